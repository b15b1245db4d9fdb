import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, ID, Info, Int, Query, Resolver } from 'type-graphql';
import type { QuerySet, VectorKind } from '../../ingest/contracts/fv/additions.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError } from '../errors.ts';
import { runPlan } from '../plan/execute.ts';
import { compileHeatmap, compileLayerCurve, heatmapOf, layerCurveOf } from '../plan/fv.ts';
import type { AnswerPlace } from '../plan/shape.ts';
import { FvHeatmap, FvLayerPoint, FvQuerySet, FvVectorKind } from '../types/fv.ts';
import { AsOfInput } from '../types/inputs.ts';

function placeOf({ issues }: RequestContext, { path }: GraphQLResolveInfo): AnswerPlace {
  return { path: [path.key], issues };
}

/** What function-vector runs found. */
@Resolver()
export class FvResolver {
  @Query(() => FvHeatmap, {
    nullable: true,
    description: 'Head scores of a run as a matrix, with its top heads; null when the run has none.',
  })
  async fvHeatmap(
    @Arg('runId', () => ID) runId: string,
    @Arg('scoreKey', () => String, {
      defaultValue: 'mean_delta_p',
      description:
        'A numeric column of fv_heads: an effect such as mean_delta_p, or dla, the direct logit attribution.',
    })
    scoreKey: string,
    @Arg('k', () => Int, {
      nullable: true,
      description: "How many top heads; the number in the run's own function vector by default.",
    })
    k: number | undefined,
    @Arg('qId', () => String, {
      nullable: true,
      description: 'Only this relation query; the mean over all of the run by default.',
    })
    qId: string | undefined,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<FvHeatmap | null> {
    if (typeof k === 'number' && k < 0) {
      throw new BadUserInputError('k', `${k} is no number of heads`, { expected: 'an integer from 0' });
    }
    const plan = compileHeatmap({ runId, column: scoreKey, qId: qId ?? undefined });
    const { rows } = await runPlan(context, info, plan);
    const heatmap = heatmapOf(rows[0], k ?? undefined, context.limits.rows, placeOf(context, info));
    return heatmap === undefined ? null : { runId, scoreKey, ...heatmap };
  }

  @Query(() => [FvLayerPoint], {
    description:
      'The effect of the function vector, or of a control, over the layers at which it was added, in their order.',
  })
  async fvLayerCurve(
    @Arg('runId', () => ID) runId: string,
    @Arg('metric', () => String, {
      defaultValue: 'mean_delta_p',
      description: 'mean_delta_p, mean_delta_logprob, mean_delta_logit or delta_acc.',
    })
    metric: string,
    @Arg('qId', () => String, { nullable: true, description: 'Only examples of this relation query.' })
    qId: string | undefined,
    @Arg('vector', () => FvVectorKind, {
      defaultValue: FvVectorKind.FUNCTION_VECTOR,
      description: 'What was added; a random control has a curve a draw.',
    })
    vector: VectorKind,
    @Arg('querySet', () => FvQuerySet, {
      defaultValue: FvQuerySet.EXTRACTION,
      description: 'The examples.',
    })
    querySet: QuerySet,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<FvLayerPoint[]> {
    const plan = compileLayerCurve({ runId, column: metric, qId: qId ?? undefined, vector, querySet });
    const { rows } = await runPlan(context, info, plan);
    return layerCurveOf(rows, placeOf(context, info));
  }
}
