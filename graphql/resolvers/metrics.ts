import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Float, Info, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import {
  type AggregateRequest,
  aggregateGroups,
  compileAggregate,
  type Dimension,
  hasRepeats,
  repeatedError,
} from '../plan/aggregate.ts';
import { argumentsOf, compileOptions, runPlan } from '../plan/execute.ts';
import { selectsAny } from '../plan/selection.ts';
import { MetricDimension, MetricSource } from '../types/enums.ts';
import { AsOfInput, FILTERS } from '../types/inputs.ts';
import { MetricAggregate } from '../types/metric-aggregate.ts';

const INTERVAL = 'Student t, two-sided, n-1 degrees of freedom, across seeds';

const NAMED: ReadonlySet<string> = new Set(['dimensions']);
const DETAIL: ReadonlySet<string> = new Set(['values', 'seeds', 'runIds']);

@Resolver()
export class MetricsResolver {
  @Query(() => [MetricAggregate], {
    description: 'Mean, spread and confidence interval of a metric over runs that differ in their seed.',
  })
  async aggregateMetrics(
    @Arg('metric', () => String, {
      description: 'E.g. auroc; `SELECT DISTINCT metric FROM metrics` lists those of the lake.',
    })
    metric: string,
    @Arg('groupBy', () => [MetricDimension]) groupBy: Dimension[],
    @Arg('groupByConfig', () => [String], {
      defaultValue: [],
      description:
        "Members of the runs' `config` to group by as well, as JSON pointers, e.g. `/generation/temperature`.",
    })
    groupByConfig: string[],
    @Arg('filter', () => FILTERS.Run, { nullable: true }) _filter: unknown,
    @Arg('confidence', () => Float, { defaultValue: 0.95 }) confidence: number,
    @Arg('source', () => MetricSource, { defaultValue: MetricSource.REPORTED }) source: string,
    @Arg('scope', () => String, {
      nullable: true,
      description: '`overall` when neither given nor grouped by.',
    })
    scope: string | undefined,
    @Arg('split', () => String, {
      nullable: true,
      description: "The runs' own split when neither given nor grouped by.",
    })
    split: string | undefined,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<MetricAggregate[]> {
    const args = argumentsOf(info);
    const request: AggregateRequest = {
      metric,
      groupBy,
      groupByConfig,
      filter: args['filter'],
      source,
      scope: scope ?? undefined,
      split: split ?? undefined,
      confidence,
      detail: selectsAny(info, DETAIL),
    };
    const rowsOf = async (exact: boolean) => {
      const plan = compileAggregate(compileOptions(context.limits, info), request, exact);
      return (await runPlan(context, info, plan)).rows;
    };
    const rows = await rowsOf(false);
    if (hasRepeats(rows) && hasRepeats(await rowsOf(true))) throw repeatedError(request);
    const named = selectsAny(info, NAMED);
    const place = { path: [info.path.key], issues: context.issues };
    return aggregateGroups(request, rows, place).map((group) => {
      // Built only for those who look at them, as thousands of groups may come.
      const dimensions = (named ? groupBy : []).map((name) => {
        const value = group[name];
        const dimension = name as MetricDimension;
        return { dimension, value: value === null || value === undefined ? null : String(value) };
      });
      return Object.assign(group, { metric, confidence, interval: INTERVAL, dimensions });
    });
  }
}
