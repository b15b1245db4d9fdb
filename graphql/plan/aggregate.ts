import { summarise } from '../../ingest/stats/index.ts';
import type { EngineValue } from '../../lake/engine/types.ts';
import { METRICS } from '../../lake/tables/tables.ts';
import { BadUserInputError } from '../errors.ts';
import { exactInteger, parseJsonExactly } from '../values.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { columnOf, ENTITIES } from './entities.ts';
import type { Condition, PrintedPlan } from './ir.ts';
import { type AnswerPlace, float } from './shape.ts';
import { Printer } from './sql.ts';

/** What metrics can be grouped by, over `r` (runs) and `m` (metrics). */
export const DIMENSIONS = {
  family: 'r.family',
  method: 'r.method',
  modelId: 'r.model_id',
  benchmark: 'r.benchmark',
  split: 'coalesce(m.split, r.split)',
  scope: 'm.scope',
  seed: 'r.seed',
  runDate: 'r.run_date',
  status: 'r.status',
  verdict: 'r.verdict',
  gitCommit: 'r.git_commit',
} as const;
export type Dimension = keyof typeof DIMENSIONS;

/** Further dimensions a request may have, and how long the name of each may be. */
const MAX_POINTERS = 8;
const MAX_POINTER = 500;
/** RFC 6901; the empty pointer is the whole document, which is no dimension. */
const POINTER = /^(\/([^~/]|~[01])*)+$/;

export interface AggregateRequest {
  readonly metric: string;
  readonly groupBy: readonly Dimension[];
  /** JSON pointers into the configuration of the runs. */
  readonly groupByConfig: readonly string[];
  /** RunFilter. */
  readonly filter: unknown;
  readonly source: string;
  /** Only metrics of this scope; every scope when they are grouped by it. */
  readonly scope: string | undefined;
  readonly split: string | undefined;
  /** Two-sided, between 0 and 1. */
  readonly confidence: number;
  /** Whether the values are wanted one by one, with their seeds and runs. */
  readonly detail: boolean;
}

/** One group: what its runs have in common, and the values of a metric over runs that differ in their seed. */
export interface MetricGroup extends Readonly<Partial<Record<Dimension, string | number | null>>> {
  /** By pointer, in the order of the request; null where a run's configuration lacks it. */
  readonly config: readonly { readonly pointer: string; readonly value: unknown }[];
  readonly n: number;
  readonly nMissing: number;
  readonly mean: number | null;
  readonly sd: number | null;
  readonly sem: number | null;
  readonly ciLow: number | null;
  readonly ciHigh: number | null;
  readonly halfWidth: number | null;
  /** Null where a value is infinite. */
  readonly values: readonly (number | null)[];
  readonly seeds: readonly (number | string | null)[];
  readonly runIds: readonly string[];
}

/**
 * The statement of an aggregation; values come in the order of their seeds. The first column is 0 where every run of a group
 * has one value. To count distinct runs for it costs as much as everything else, so they are first only numbered, by what
 * the metrics alone tell: more than 0 may then also be metrics of which the runs want one.
 * @param exact whether the first column says for certain how many values are too many
 * @throws BadUserInputError
 */
export function compileAggregate(
  options: CompileOptions,
  request: AggregateRequest,
  exact = false,
): PrintedPlan {
  const { confidence, groupBy } = request;
  if (!(confidence > 0 && confidence < 1)) {
    throw new BadUserInputError('confidence', `${confidence} is no confidence level`, {
      expected: 'between 0 and 1, e.g. 0.95',
    });
  }
  const pointers = checkedPointers(request.groupByConfig);
  const statement = new StatementBuilder(options);
  const runs = statement.filter(ENTITIES.Run, request.filter, 'filter');
  const conditions: Condition[] = [equals('metric', request.metric), equals('source', request.source)];
  const scope = request.scope ?? (groupBy.includes('scope') ? undefined : 'overall');
  if (scope !== undefined) conditions.push(equals('scope', scope));
  const metrics: Condition = { kind: 'all', items: conditions };
  const runPrune = pruneOf(runs);
  const runSource = statement.source('runs', runPrune);
  const metricSource = statement.source('metrics', [
    ...pruneOf(metrics),
    ...runPrune.filter(({ column }) => column === 'run_id'),
  ]);
  return {
    sources: statement.sources,
    print(relations) {
      const printer = new Printer(relations);
      // A copy of a measurement is no further measurement.
      const chosen = printer.condition(metrics, 'm');
      const where = [printer.condition(runs, 'r'), 'r.duplicate_of IS NULL'];
      if (request.split !== undefined) {
        const split = printer.param(request.split.toWellFormed(), columnOf(ENTITIES.Metric, 'split'));
        where.push(`${DIMENSIONS.split} = ${split}`);
      } else if (!groupBy.includes('split')) {
        // A run's number is the one on the split it reports on; a training split must not count as one more seed.
        where.push('(m.split IS NULL OR r.split IS NULL OR m.split = r.split)');
      }
      const order = 'ORDER BY r.seed NULLS LAST, r.run_id';
      // Ordering three lists costs three times the rest, so it is done only for those who look at them.
      const lists = request.detail
        ? [`list(m.value ${order})`, `list(r.seed ${order})`, `list(r.run_id ${order})`]
        : ['list(m.value)', '[]', '[]'];
      const columns = [...new Set(groupBy)].map((dimension) => DIMENSIONS[dimension]);
      const members = pointers.map((pointer) =>
        configMember(printer.param(pointer, columnOf(ENTITIES.Run, 'config'))),
      );
      const dimensions = [...columns, ...members].map((expression, i) => ({ expression, name: `d${i}` }));
      const names = dimensions.map(({ name }) => name);
      // Members are JSON texts: numbers first, by size.
      const orders = names.map((name, i) =>
        i < columns.length
          ? `${name} NULLS LAST`
          : `TRY_CAST(${name} AS DOUBLE) NULLS LAST, ${name} NULLS LAST`,
      );
      const group = names.length === 0 ? '' : ` GROUP BY ${names.join(', ')} ORDER BY ${orders.join(', ')}`;
      const selected = dimensions.map(({ expression, name }) => `${expression} AS ${name}`);
      const apart = groupBy.includes('scope') ? ', m.scope' : '';
      const nth = `row_number() OVER (PARTITION BY m.run_id${apart})`;
      const values = `(SELECT m.*${exact ? '' : `, ${nth} AS nth`} FROM ${printer.relation(metricSource)} m WHERE ${chosen})`;
      const repeats = exact ? 'count(*) - count(DISTINCT r.run_id)' : 'max(m.nth) - 1';
      return {
        text: `SELECT ${[repeats, ...lists, ...selected].join(', ')} FROM ${values} m JOIN ${printer.relation(runSource)} r ON r.run_id = m.run_id WHERE ${where.join(' AND ')}${group}`,
        params: printer.params,
      };
    },
  };
}

/** @throws BadUserInputError */
function checkedPointers(given: readonly string[]): readonly string[] {
  const pointers = [...new Set(given)];
  if (pointers.length > MAX_POINTERS) {
    throw new BadUserInputError('groupByConfig', `${pointers.length} members of the configuration`, {
      expected: `at most ${MAX_POINTERS}`,
    });
  }
  for (const pointer of pointers) {
    if (pointer.length <= MAX_POINTER && POINTER.test(pointer)) continue;
    throw new BadUserInputError(
      'groupByConfig',
      `${JSON.stringify(pointer.slice(0, 80))} is no JSON pointer`,
      {
        expected: `a JSON pointer (RFC 6901) of at most ${MAX_POINTER} characters, e.g. /generation/temperature`,
      },
    );
  }
  return pointers.map((pointer) => pointer.toWellFormed());
}

/** The JSON text of a member, of which 1 and 1.0 are one; null of a JSON null, and where a writer left something else than JSON. */
function configMember(pointer: string): string {
  const text = `nullif(TRY(json_extract(r.config, ${pointer}))::VARCHAR, 'null')`;
  return `regexp_replace(${text}, '^(-?\\d{1,15})\\.0$', '\\1')`;
}

function equals(column: string, value: string): Condition {
  return {
    kind: 'compare',
    column: columnOf({ ...ENTITIES.Metric, table: METRICS }, column),
    op: 'eq',
    value: value.toWellFormed(),
  };
}

function list(value: EngineValue | undefined): readonly EngineValue[] {
  return Array.isArray(value) ? value : [];
}

function dimensionValue(value: EngineValue | undefined): string | number | null {
  return typeof value === 'bigint' ? exactInteger(value) : typeof value === 'string' ? value : null;
}

/** Whether some group may hold several values of one run, by the rows of the statement. */
export function hasRepeats(rows: readonly (readonly EngineValue[])[]): boolean {
  return rows.some(([repeats]) => Number(repeats ?? 0) > 0);
}

/** For several values of a run in a group, which would count it as several seeds. */
export function repeatedError({ metric }: AggregateRequest): BadUserInputError {
  return new BadUserInputError('groupBy', `some run has several values of ${metric} in one group`, {
    expected: 'one value of the metric for each run',
    remedy: 'group by SPLIT and SCOPE, or give split and scope',
  });
}

/** Columns of the statement before the dimensions. */
const FIRST_DIMENSION = 4;

/** The groups from the rows of the statement. */
export function aggregateGroups(
  { groupBy, groupByConfig, confidence, detail }: AggregateRequest,
  rows: readonly (readonly EngineValue[])[],
  { path, issues }: AnswerPlace,
): MetricGroup[] {
  const names = [...new Set(groupBy)];
  const pointers = [...new Set(groupByConfig)];
  const groups: MetricGroup[] = [];
  for (const row of rows) {
    const all = list(row[1]);
    if (all.length === 0) continue;
    const measured = all.filter(isMeasured);
    const ofMeasured = (items: EngineValue | undefined) =>
      list(items).filter((_, i) => isMeasured(all[i] ?? null));
    // Sums depend on the order of their terms; sorted, the same values always give the same digits.
    const { n, mean, sd, sem, halfWidth } = summarise(
      measured.toSorted((a, b) => a - b),
      confidence,
    );
    const told = (value: number, ...at: (string | number)[]) =>
      float(value, [...path, groups.length, ...at], issues);
    const ofSeveral = (key: string, value: number) => (n < 2 ? null : told(value, key));
    const group: MetricGroup = {
      config: pointers.map((pointer, i) => {
        const text = row[FIRST_DIMENSION + names.length + i];
        return { pointer, value: typeof text === 'string' ? parseJsonExactly(text) : null };
      }),
      n,
      nMissing: all.length - n,
      mean: n === 0 ? null : told(mean, 'mean'),
      sd: ofSeveral('sd', sd),
      sem: ofSeveral('sem', sem),
      ciLow: ofSeveral('ciLow', mean - halfWidth),
      ciHigh: ofSeveral('ciHigh', mean + halfWidth),
      halfWidth: ofSeveral('halfWidth', halfWidth),
      values: detail ? measured.map((value, i) => told(value, 'values', i)) : [],
      seeds: ofMeasured(row[2]).map((seed) =>
        typeof seed === 'bigint' || typeof seed === 'number' ? exactInteger(seed) : null,
      ),
      runIds: ofMeasured(row[3]).map(String),
    };
    const dimensions: { -readonly [D in Dimension]?: MetricGroup[D] } = group;
    names.forEach((name, i) => {
      dimensions[name] = dimensionValue(row[FIRST_DIMENSION + i]);
    });
    groups.push(group);
  }
  return groups;
}

function isMeasured(value: EngineValue): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
