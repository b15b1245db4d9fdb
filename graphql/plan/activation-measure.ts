import type { EngineValue } from '../../lake/engine/types.ts';
import type { Column } from '../../lake/tables/schema.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { compileChoice, IDENTITY, printChoice } from './activation-choice.ts';
import { type ProbePlace, placeText, printElsewhere } from './activation-probe.ts';
import { compileSourceUri, compileTarget, probeOf, type Target } from './activation-target.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { type Cursor, keyPositions } from './cursor.ts';
import { columnOf, ENTITIES } from './entities.ts';
import type { Condition, OrderKey, PrintedPlan, Source } from './ir.ts';
import { Printer } from './sql.ts';

export type Measure = 'dot' | 'cosine';

/** How a field of Query names what it compares. */
export interface MeasureField {
  /** Argument that holds the target. */
  readonly target: 'against' | 'to';
  /** Argument that says how many rows are wanted; `first` where pages follow each other. */
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

export interface MeasuredPage {
  readonly dim: number;
  readonly targetNorm: number;
  readonly n: number;
  readonly nUndefined: number;
  readonly rows: readonly MeasuredActivation[];
  /** Whether rows follow. */
  readonly more: boolean;
}

/** What is known of a measure beside its arguments. */
export interface MeasureContext {
  /** Where the probe that is the target was trained, when no other activations may be compared with it. */
  readonly place?: ProbePlace | undefined;
  /** The row before the page. */
  readonly after?: Cursor | undefined;
}

/**
 * One statement that measures every activation that is asked for against one vector and gives the first of them by
 * value, one more than wanted. Products are summed in doubles. Its first row always exists and carries the counts.
 * @throws BadUserInputError, BadCursorError, LimitExceededError
 */
export function compileMeasure(
  options: CompileOptions,
  args: Arguments,
  field: MeasureField,
  { place, after }: MeasureContext = {},
): PrintedPlan {
  const statement = new StatementBuilder(options);
  const activations = ENTITIES.Activation;
  const size = sizeOf(options, args, field);
  const target = compileTarget(statement, args[field.target], field.target);
  // A vector is no neighbour of itself.
  const others: Condition[] =
    target.kind === 'row' && target.entity === activations ? [{ kind: 'not', item: target.where }] : [];
  const choice = compileChoice(statement, args, others);
  const order = orderOf(args);
  const from: Condition | undefined = after && { kind: 'from', keys: keyPositions(order, after.keys) };

  return {
    sources: statement.sources,
    print(relations) {
      const printer = new Printer(relations);
      const ctes = [`p AS MATERIALIZED (${targetText(printer, target)})`];
      const { ctes: labels, wanted, labelled } = printChoice(printer, choice);
      ctes.push(...labels);
      const columns = [...IDENTITY, 'example_id', 'dim'].map((name) => `t.${name}`).join(', ');
      const norm = 'coalesce(t.norm, sqrt(list_inner_product(t.vector::DOUBLE[], t.vector::DOUBLE[])))';
      const product = 'list_inner_product(t.vector::DOUBLE[], p.vector)';
      const elsewhere = place ? printElsewhere(printer, place, choice.token) : 'false';
      const orderBy = (alias: string) =>
        order
          .map(({ column, direction, nulls }) => `${alias}.${column.name} ${direction} NULLS ${nulls}`)
          .join(', ');
      ctes.push(
        // The labels are joined to the products, so that no vector ends up in the table of a join.
        `d AS (SELECT ${columns}, ${norm} AS norm, p.norm AS target_norm, CASE WHEN len(t.vector) = p.dim THEN ${product} END AS product FROM ${printer.relation(choice.source)} t, p WHERE ${wanted})`,
        `v AS MATERIALIZED (SELECT * EXCLUDE (product, target_norm), ${valueText(args['measure'])} AS raw, CASE WHEN isfinite(raw) THEN raw END AS value FROM d)`,
        `l AS MATERIALIZED (${labelled('v')})`,
        `c AS (SELECT count(*) AS n, count(value) AS n_defined, min(dim) AS min_dim, max(dim) AS max_dim, count(*) FILTER (WHERE ${elsewhere}) AS n_elsewhere, min({site: site, layer: layer, segment: segment, token: token_selector}) FILTER (WHERE ${elsewhere}) AS elsewhere FROM l)`,
        `r AS (SELECT * FROM l${from ? ` WHERE ${printer.condition(from, 'l')}` : ''} ORDER BY ${orderBy('l')} LIMIT ${printer.number(size + 1)} OFFSET ${printer.number(after?.ties ?? 0)})`,
      );
      const row =
        'r.store_id, r.activation_key, r.example_id, r.layer, r.site, r.token_selector, r.segment, r.token_index, r.norm, r.halu, r.value';
      const text = `WITH ${ctes.join(', ')} SELECT p.n, p.dim, p.norm, c.n, c.n_defined, c.min_dim, c.max_dim, c.n_elsewhere, c.elsewhere, ${row} FROM p CROSS JOIN c LEFT JOIN r ON true ORDER BY ${orderBy('r')}`;
      return { text, params: printer.params };
    },
  };
}

const VALUE: Column = { name: 'value', type: 'double', doc: 'The measure.' };

/** By the measure, then by the identity of the row. */
function orderOf(args: Arguments): OrderKey[] {
  const direction = args['direction'] === 'ASC' ? 'ASC' : 'DESC';
  return [
    { column: VALUE, direction, nulls: 'LAST' },
    ...IDENTITY.map((name) => ({
      column: columnOf(ENTITIES.Activation, name),
      direction: 'ASC' as const,
      nulls: 'LAST' as const,
    })),
  ];
}

/** What a cursor after a row holds. */
export function cursorValues(row: MeasuredActivation): EngineValue[] {
  return [
    row.value,
    row.storeId,
    row.layer,
    row.activationKey,
    row.tokenIndex,
    row.site,
    row.tokenSelector,
    row.segment,
  ];
}

/** What a measure reads, that of a probe before its direction is known. @throws BadUserInputError, LimitExceededError */
export function measureSources(
  options: CompileOptions,
  args: Arguments,
  field: MeasureField,
): readonly Source[] {
  const probe = probeOf(args[field.target]);
  if (probe === undefined) return compileMeasure(options, args, field).sources;
  const direction = { ...args, [field.target]: { vector: [0] } };
  return [...compileSourceUri(probe.runId).sources, ...compileMeasure(options, direction, field).sources];
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
 * another width than the activations, was not trained on them, or with which nothing can be compared
 */
export function measuredActivations(
  rows: readonly (readonly EngineValue[])[],
  args: Arguments,
  field: MeasureField,
  { place }: MeasureContext = {},
): MeasuredPage {
  const { target: at } = field;
  const [found, dim, targetNorm, n, nDefined, minDim, maxDim, nElsewhere] = (rows[0] ?? []).map(Number);
  if (found !== 1) {
    throw new BadUserInputError(at, found ? 'names several vectors' : 'names no vector of the lake', {
      expected: 'exactly one',
      remedy: found
        ? 'give more of its columns, e.g. layer, tokenIndex, segment, storeId'
        : 'look it up with activations or fvVectors',
    });
  }
  if (place && nElsewhere) {
    throw new BadUserInputError(
      `${at}.probe`,
      `${place.runId} was trained on ${placeText(place)}; ${nElsewhere} of ${n} activations are others, such as ${placeText(rows[0]?.[ELSEWHERE])}`,
      {
        expected: 'activations of the site, layer, segment and token that the probe was trained on',
        remedy:
          'choose them with layer, site, tokenSelector or token, and filter by segment, or say elsewhere: true',
      },
    );
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
  // Without a match the counts stand alone.
  const answered = rows.flatMap((row) => (row[FIRST] === null ? [] : [measured(row.slice(FIRST))]));
  const size = Number(args[field.size]);
  return {
    dim: dim ?? 0,
    targetNorm: targetNorm ?? 0,
    n: n ?? 0,
    nUndefined: (n ?? 0) - (nDefined ?? 0),
    rows: answered.slice(0, size),
    more: answered.length > size,
  };
}

/** Columns of the result before those of an activation, of which the last is one of other places than the probe's. */
const FIRST = 9;
const ELSEWHERE = FIRST - 1;

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
