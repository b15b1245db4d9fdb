import type { EngineValue } from '../../lake/engine/types.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { compileSourceUri, compileTarget, probeRunOf, type Target } from './activation-target.ts';
import { type Arguments, activationArguments } from './arguments.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { columnOf, ENTITIES } from './entities.ts';
import type { Condition, PrintedPlan, Source } from './ir.ts';
import { Printer } from './sql.ts';

export type Measure = 'dot' | 'cosine';

/** How a field of Query names what it compares. */
export interface MeasureField {
  /** Argument that holds the target. */
  readonly target: 'against' | 'to';
  /** Argument that says how many rows are wanted. */
  readonly size: 'first' | 'k';
}

/** The fields of Query that measure activations. */
export const MEASURE_FIELDS = {
  projectActivations: { target: 'against', size: 'first' },
  nearestActivations: { target: 'to', size: 'k' },
} as const satisfies Record<string, MeasureField>;

/** One activation and its measure; `halu` is known where the runs that were asked for agree on it. */
export interface MeasuredActivation {
  readonly storeId: string;
  readonly activationKey: string;
  readonly exampleId: string | null;
  readonly layer: number;
  readonly site: string;
  readonly tokenSelector: string;
  readonly segment: string | null;
  readonly tokenIndex: number | null;
  readonly norm: number | null;
  readonly halu: boolean | null;
  readonly value: number | null;
}

export interface MeasuredActivations {
  readonly dim: number;
  readonly targetNorm: number;
  readonly n: number;
  readonly nUndefined: number;
  readonly rows: readonly MeasuredActivation[];
}

/** Columns of `activations` that identify a row, in the order in which equal measures come. */
const IDENTITY = [
  'store_id',
  'layer',
  'activation_key',
  'token_index',
  'site',
  'token_selector',
  'segment',
] as const;

/**
 * One statement that measures every activation that is asked for against one vector and gives the first of them by
 * value. Products are summed in doubles. Its first row always exists and carries the counts.
 * @throws BadUserInputError, LimitExceededError
 */
export function compileMeasure(options: CompileOptions, args: Arguments, field: MeasureField): PrintedPlan {
  const statement = new StatementBuilder(options);
  const activations = ENTITIES.Activation;
  const size = sizeOf(options, args, field);
  const { where: chosen, layerFromTop } = activationArguments(activations, args);
  if (layerFromTop !== undefined) {
    throw new BadUserInputError('layer', `${layerFromTop} is no layer`, { expected: 'an integer from 0' });
  }
  const target = compileTarget(statement, args[field.target], field.target);
  // A vector is no neighbour of itself.
  const others: Condition[] =
    target.kind === 'row' && target.entity === activations ? [{ kind: 'not', item: target.where }] : [];
  const where: Condition = {
    kind: 'all',
    items: [statement.filter(activations, args['filter'], 'filter'), ...chosen, ...others],
  };
  const runs = runsOf(options, args);
  const source = statement.source('activations', [...pruneOf(where), ...(runs ? pruneOf(runs) : [])]);
  const stores = runs && statement.source('run_stores', pruneOf(runs));
  const generations = runs && statement.source('generations', pruneOf(runs));
  const label = args['halu'];

  return {
    sources: statement.sources,
    print(relations) {
      const printer = new Printer(relations);
      const wanted: string[] = [];
      let labels = 'SELECT v.*, NULL::BOOLEAN AS halu FROM v';
      const ctes = [`p AS MATERIALIZED (${targetText(printer, target)})`];
      if (runs && stores !== undefined && generations !== undefined) {
        ctes.push(
          `s AS MATERIALIZED (SELECT DISTINCT s.run_id, s.store_id FROM ${printer.relation(stores)} s WHERE ${printer.condition(runs, 's')})`,
          // Runs that share a store may disagree on a label; it then has none.
          `g AS MATERIALIZED (SELECT s.store_id, g.activation_key, CASE WHEN bool_and(g.halu) = bool_or(g.halu) THEN bool_and(g.halu) END AS halu FROM ${printer.relation(generations)} g JOIN s ON s.run_id = g.run_id WHERE ${printer.condition(runs, 'g')} AND g.activation_key IS NOT NULL GROUP BY ALL)`,
        );
        // A semi-join would copy the vectors that pass it.
        wanted.push('list_contains((SELECT list(DISTINCT store_id) FROM s), t.store_id)');
        labels = `SELECT v.*, g.halu FROM v LEFT JOIN g ON g.store_id = v.store_id AND g.activation_key = v.activation_key`;
        if (typeof label === 'boolean') labels += ` WHERE g.halu IS NOT DISTINCT FROM ${label}`;
      }
      wanted.push(printer.condition(where, 't'));
      const columns = [...IDENTITY, 'example_id', 'dim'].map((name) => `t.${name}`).join(', ');
      const norm = 'coalesce(t.norm, sqrt(list_inner_product(t.vector::DOUBLE[], t.vector::DOUBLE[])))';
      const product = 'list_inner_product(t.vector::DOUBLE[], p.vector)';
      const order = IDENTITY.map((name) => `${name} NULLS LAST`).join(', ');
      const direction = args['direction'] === 'ASC' ? 'ASC' : 'DESC';
      ctes.push(
        // The labels are joined to the products, so that no vector ends up in the table of a join.
        `d AS (SELECT ${columns}, ${norm} AS norm, p.norm AS target_norm, CASE WHEN len(t.vector) = p.dim THEN ${product} END AS product FROM ${printer.relation(source)} t, p WHERE ${wanted.join(' AND ')})`,
        `v AS MATERIALIZED (SELECT * EXCLUDE (product, target_norm), ${valueText(args['measure'])} AS raw, CASE WHEN isfinite(raw) THEN raw END AS value FROM d)`,
        `l AS MATERIALIZED (${labels})`,
        'c AS (SELECT count(*) AS n, count(value) AS n_defined, min(dim) AS min_dim, max(dim) AS max_dim FROM l)',
        `r AS (SELECT * FROM l ORDER BY value ${direction} NULLS LAST, ${order} LIMIT ${printer.number(size)})`,
      );
      const row =
        'r.store_id, r.activation_key, r.example_id, r.layer, r.site, r.token_selector, r.segment, r.token_index, r.norm, r.halu, r.value';
      const text = `WITH ${ctes.join(', ')} SELECT p.n, p.dim, p.norm, c.n, c.n_defined, c.min_dim, c.max_dim, ${row} FROM p CROSS JOIN c LEFT JOIN r ON true ORDER BY r.value ${direction} NULLS LAST, ${IDENTITY.map((name) => `r.${name} NULLS LAST`).join(', ')}`;
      return { text, params: printer.params };
    },
  };
}

/** What a measure reads, that of a probe before its direction is known. @throws BadUserInputError, LimitExceededError */
export function measureSources(
  options: CompileOptions,
  args: Arguments,
  field: MeasureField,
): readonly Source[] {
  const runId = probeRunOf(args[field.target]);
  if (runId === undefined) return compileMeasure(options, args, field).sources;
  const direction = { ...args, [field.target]: { vector: [0] } };
  return [...compileSourceUri(runId).sources, ...compileMeasure(options, direction, field).sources];
}

/** How many rows are wanted. @throws BadUserInputError, LimitExceededError */
function sizeOf({ maxPageSize }: CompileOptions, args: Arguments, { size }: MeasureField): number {
  const wanted = Number(args[size]);
  if (wanted < 0) throw new BadUserInputError(size, 'is negative', { expected: `0 to ${maxPageSize}` });
  if (wanted > maxPageSize) {
    throw new LimitExceededError(
      'pageSize',
      maxPageSize,
      wanted,
      'ask for fewer rows, or use sql or an export',
    );
  }
  return wanted;
}

/** The condition that rows belong to the runs of `runIds`; undefined without that argument. */
function runsOf({ maxConditions }: CompileOptions, args: Arguments): Condition | undefined {
  const ids = args['runIds'];
  if (!Array.isArray(ids)) {
    if (typeof args['halu'] !== 'boolean') return undefined;
    throw new BadUserInputError('halu', 'has no runs whose labels it means', {
      expected: 'runIds beside it',
    });
  }
  if (ids.length > maxConditions) {
    throw new LimitExceededError('filterConditions', maxConditions, ids.length, 'name fewer runs');
  }
  const column = columnOf(ENTITIES.ActivationStore, 'run_id');
  return { kind: 'in', column, values: ids.map((id) => String(id).toWellFormed()) };
}

/** One row: how many vectors the target names (2 stands for several), and one of them with its length and norm. */
function targetText(printer: Printer, target: Target): string {
  const vectors =
    target.kind === 'given'
      ? `SELECT ${printer.param(JSON.stringify(target.values), columnOf(ENTITIES.Activation, 'vector'))}::DOUBLE[] AS vector`
      : `SELECT t.vector::DOUBLE[] AS vector FROM ${printer.relation(target.source)} t WHERE ${printer.condition(target.where, 't')} LIMIT 2`;
  return `SELECT n, vector, len(vector) AS dim, sqrt(list_inner_product(vector, vector)) AS norm FROM (SELECT count(*) AS n, any_value(vector) AS vector FROM (${vectors}))`;
}

/** The measure over `product`, `norm` and `target_norm`; not finite where there is none. */
function valueText(measure: unknown): string {
  return measure === 'cosine'
    ? // Rounding must not lead out of the range of a cosine; NaN would win against any bound.
      "CASE WHEN norm > 0 AND isfinite(product) AND isfinite(norm) THEN greatest(-1, least(1, product / (norm * target_norm))) ELSE 'nan'::DOUBLE END"
    : 'product';
}

/**
 * The answer from the rows of the statement. @throws BadUserInputError for a target that is not exactly one vector, has
 * another width than the activations, or with which nothing can be compared
 */
export function measuredActivations(
  rows: readonly (readonly EngineValue[])[],
  args: Arguments,
  { target: at }: MeasureField,
): MeasuredActivations {
  const [found, dim, targetNorm, n, nDefined, minDim, maxDim] = (rows[0] ?? []).map(Number);
  if (found !== 1) {
    throw new BadUserInputError(at, found ? 'names several vectors' : 'names no vector of the lake', {
      expected: 'exactly one',
      remedy: found
        ? 'give more of its columns, e.g. layer, tokenIndex, segment, storeId'
        : 'look it up with activations or fvVectors',
    });
  }
  if (n && (minDim !== dim || maxDim !== dim)) {
    const widths = minDim === maxDim ? `${minDim}` : `${minDim} to ${maxDim}`;
    throw new BadUserInputError(at, `has ${dim} numbers, the activations have ${widths}`, {
      expected: 'vectors of one width',
      remedy: 'filter by site, run or modelId, or give a vector of their width',
    });
  }
  if (!Number.isFinite(targetNorm) || (targetNorm === 0 && args['measure'] === 'cosine')) {
    throw new BadUserInputError(
      at,
      targetNorm === 0 ? 'has no direction' : 'has infinite or undefined values',
      {
        expected: 'finite numbers, for cosine not all 0',
      },
    );
  }
  return {
    dim: dim ?? 0,
    targetNorm: targetNorm ?? 0,
    n: n ?? 0,
    nUndefined: (n ?? 0) - (nDefined ?? 0),
    // Without a match the counts stand alone.
    rows: rows.flatMap((row) => (row[FIRST] === null ? [] : [measured(row.slice(FIRST))])),
  };
}

/** Columns of the result before those of an activation. */
const FIRST = 7;

function measured([
  storeId,
  activationKey,
  exampleId,
  layer,
  site,
  tokenSelector,
  segment,
  tokenIndex,
  norm,
  halu,
  value,
]: readonly EngineValue[]): MeasuredActivation {
  return {
    storeId: String(storeId),
    activationKey: String(activationKey),
    exampleId: typeof exampleId === 'string' ? exampleId : null,
    layer: Number(layer),
    site: String(site),
    tokenSelector: String(tokenSelector),
    segment: typeof segment === 'string' ? segment : null,
    tokenIndex: typeof tokenIndex === 'number' ? tokenIndex : null,
    norm: typeof norm === 'number' && Number.isFinite(norm) ? norm : null,
    halu: typeof halu === 'boolean' ? halu : null,
    value: typeof value === 'number' ? value : null,
  };
}
