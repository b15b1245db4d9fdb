import { blocksOf, type VectorBlock, type VectorSet } from '../../compute/geometry/vector-set.ts';
import { QueryError } from '../../lake/engine/errors.ts';
import type { EngineValue, LakeSnapshot } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { type Choice, compileChoice, printChoice } from './activation-choice.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { columnOf, ENTITIES } from './entities.ts';
import { runText, withSources } from './execute.ts';
import type { Condition, Source } from './ir.ts';
import { Printer } from './sql.ts';

/** Which class an activation belongs to: the label of its generations, or the filter that it meets. */
interface Classes {
  readonly positive: Condition;
  readonly negative: Condition;
}

/** The fields of Query that take the vectors of a layer together, and whether they leave out activations without a class. */
export const GEOMETRY_FIELDS: ReadonlyMap<string, { readonly needsClass: boolean }> = new Map([
  ['differenceOfMeans', { needsClass: true }],
  ['classSeparation', { needsClass: true }],
  ['pcaActivations', { needsClass: false }],
]);

/** Activations whose vectors are wanted, layer by layer. */
export interface VectorsPlan {
  readonly sources: readonly Source[];
  readonly choice: Choice;
  readonly classes: Classes | undefined;
  /** Whether activations without a class are left out. */
  readonly needsClass: boolean;
}

/** One activation, without its vector. */
export interface ChosenActivation {
  readonly storeId: string;
  readonly activationKey: string;
  readonly tokenIndex: number | null;
  readonly site: string;
  readonly tokenSelector: string;
  readonly segment: string | null;
  readonly exampleId: string | null;
  /** What a prompt and its samples have in common. */
  readonly group: string;
  readonly halu: boolean | null;
  /** 1 for positives; null without a class. */
  readonly positive: 0 | 1 | null;
}

/** The activations of one layer: `rows[i]` has vector i. */
export interface LayerVectors {
  readonly layer: number;
  readonly rows: readonly ChosenActivation[];
  /** Activations that were left out: NaN or infinite values. */
  readonly nUndefined: number;
  readonly set: VectorSet;
}

/** How many bytes of vectors are held. */
export interface VectorMemory {
  /** From one pass over a layer to the next; a larger layer is read anew. */
  readonly kept: number;
  /** In the answer to one statement. */
  readonly read: number;
}

const MEMORY: VectorMemory = { kept: 128 * 2 ** 20, read: 32 * 2 ** 20 };
/** Stands for the token of what has none, which is equal to nothing in SQL. */
const NO_TOKEN = -1;

/** @throws BadUserInputError, LimitExceededError */
export function compileVectors(
  options: CompileOptions,
  args: Arguments,
  { needsClass }: { readonly needsClass: boolean },
): VectorsPlan {
  const statement = new StatementBuilder(options);
  const [positive, negative] = ['positive', 'negative'].map((name) =>
    args[name] ? statement.filter(ENTITIES.Activation, args[name], name) : undefined,
  );
  if ((positive === undefined) !== (negative === undefined)) {
    throw new BadUserInputError(positive ? 'negative' : 'positive', 'is missing', {
      expected: 'a filter for either class, or for neither',
    });
  }
  const choice = compileChoice(statement, args);
  const classes = positive && negative && { positive, negative };
  if (needsClass && classes === undefined && choice.labelled === undefined) {
    throw new BadUserInputError('runIds', 'is missing, so there are no labels', {
      expected: 'runs whose generations have labels, or the filters positive and negative',
    });
  }
  return { sources: statement.sources, choice, classes, needsClass };
}

/**
 * Gives `work` the chosen activations of one layer after the other and collects what it makes of them. Identities and classes
 * are found by one statement a layer; vectors are read in stretches, each placed by the identity of its row, so that what is
 * computed does not depend on the order in which the engine gives rows.
 * @throws BadUserInputError for vectors of several widths, LimitExceededError for too many
 */
export async function forEachLayer<T>(
  context: RequestContext,
  snapshot: LakeSnapshot,
  plan: VectorsPlan,
  work: (layer: LayerVectors) => Promise<T>,
  memory = MEMORY,
): Promise<T[]> {
  return withSources(context, snapshot, plan.sources, async (relations) => {
    const reader: Reader = { context, plan, relations, memory };
    const answers: T[] = [];
    for (const layer of await layersOf(reader)) answers.push(await work(await layerVectors(reader, layer)));
    return answers;
  });
}

interface Reader {
  readonly context: RequestContext;
  readonly plan: VectorsPlan;
  readonly relations: readonly string[];
  readonly memory: VectorMemory;
}

async function layersOf({ context, plan: { choice }, relations }: Reader): Promise<number[]> {
  const printer = new Printer(relations);
  const { ctes, wanted } = printChoice(printer, choice);
  const text = `${withText(ctes)}SELECT DISTINCT t.layer FROM ${printer.relation(choice.source)} t WHERE ${wanted} ORDER BY t.layer`;
  const { rows } = await runText(context, { text, params: printer.params });
  return rows.map(([layer]) => Number(layer));
}

function withText(ctes: readonly string[]): string {
  return ctes.length > 0 ? `WITH ${ctes.join(', ')} ` : '';
}

async function layerVectors(reader: Reader, layer: number): Promise<LayerVectors> {
  const { context } = reader;
  let found = await chosenRows(reader, layer, 'stored');
  // A norm tells of values that are not finite; only where none is stored the vectors have to.
  if (found.some(({ finite }) => finite === null)) found = await chosenRows(reader, layer, 'computed');
  const rows = found.filter(({ finite }) => finite === true);
  const widths = [...new Set(found.map(({ dim }) => dim))].sort((a, b) => a - b);
  if (widths.length > 1) {
    throw new BadUserInputError('filter', `activations of layer ${layer} have ${widths.join(', ')} numbers`, {
      expected: 'vectors of one width',
      remedy: 'filter by site, run or modelId',
    });
  }
  const dim = widths[0] ?? 0;
  const activations = rows.map(({ activation }) => activation);
  const placed = new PlacedVectors(reader, layer, activations, dim);
  return {
    layer,
    rows: activations,
    nUndefined: found.length - rows.length,
    set: { count: rows.length, dim, blocks: () => placed.blocks(context.signal) },
  };
}

interface FoundRow {
  readonly activation: ChosenActivation;
  readonly dim: number;
  /** Null where no norm is stored. */
  readonly finite: boolean | null;
}

/** The chosen rows of a layer in the order of their identity. */
async function chosenRows(
  { context, plan, relations }: Reader,
  layer: number,
  norms: 'stored' | 'computed',
): Promise<FoundRow[]> {
  const { choice, classes, needsClass } = plan;
  const { limits } = context;
  const printer = new Printer(relations);
  const { ctes, wanted, labelled } = printChoice(printer, choice, { prompts: true });
  const isClass = (condition: Condition | undefined) =>
    condition ? printer.condition(condition, 't') : 'NULL::BOOLEAN';
  const norm =
    norms === 'stored'
      ? 't.norm'
      : 'coalesce(t.norm, sqrt(list_inner_product(t.vector::DOUBLE[], t.vector::DOUBLE[])))';
  const columns = `t.store_id, t.layer, t.activation_key, t.token_index, t.site, t.token_selector, t.segment, t.example_id, t.dim, isfinite(${norm}) AS finite, ${isClass(classes?.positive)} AS positive, ${isClass(classes?.negative)} AS negative`;
  const only = needsClass ? (classes ? 'WHERE positive OR negative' : 'WHERE halu IS NOT NULL') : '';
  const order = 'store_id, activation_key, token_index NULLS LAST, site, token_selector, segment NULLS LAST';
  const text = `WITH ${[
    ...ctes,
    `i AS (SELECT ${columns} FROM ${printer.relation(choice.source)} t WHERE ${wanted} AND t.layer = ${printer.number(layer)})`,
    `l AS (${labelled('i')})`,
  ].join(
    ', ',
  )} SELECT store_id, activation_key, token_index, site, token_selector, segment, example_id, prompt, halu, positive, negative, dim, finite FROM l ${only} ORDER BY ${order} LIMIT ${printer.number(limits.rows + 1)}`;
  const { rows } = await runText(context, { text, params: printer.params });
  if (rows.length > limits.rows) {
    throw new LimitExceededError('rows', limits.rows, rows.length, 'choose runs, one token, or filter');
  }
  const known = new Set<string>();
  return rows.flatMap((row) => {
    const found = foundRow(row, classes !== undefined);
    const key = keyOf(found.activation);
    if (known.has(key)) return [];
    known.add(key);
    return [found];
  });
}

function foundRow(row: readonly EngineValue[], byFilter: boolean): FoundRow {
  const text = (value: EngineValue | undefined) => (typeof value === 'string' ? value : null);
  const truth = (value: EngineValue | undefined) => (typeof value === 'boolean' ? value : null);
  const [storeId, activationKey, tokenIndex, site, selector, segment, exampleId, prompt, halu, ...rest] = row;
  const [positive, negative, dim, finite] = rest;
  const key = String(activationKey);
  if (positive === true && negative === true) {
    throw new BadUserInputError('negative', `${key} is in both classes`, {
      expected: 'filters that share no activations',
    });
  }
  const inPositive = byFilter
    ? positive === true || negative === true
      ? positive === true
      : null
    : truth(halu);
  return {
    activation: {
      storeId: String(storeId),
      activationKey: key,
      tokenIndex: typeof tokenIndex === 'number' ? tokenIndex : null,
      site: String(site),
      tokenSelector: String(selector),
      segment: text(segment),
      exampleId: text(exampleId),
      group: text(prompt) ?? text(exampleId) ?? key,
      halu: truth(halu),
      positive: inPositive === null ? null : inPositive ? 1 : 0,
    },
    dim: Number(dim),
    finite: truth(finite),
  };
}

function keyOf(
  row: Pick<
    ChosenActivation,
    'storeId' | 'activationKey' | 'tokenIndex' | 'site' | 'tokenSelector' | 'segment'
  >,
): string {
  const { storeId, activationKey, tokenIndex, site, tokenSelector, segment } = row;
  return JSON.stringify([storeId, activationKey, tokenIndex, site, tokenSelector, segment]);
}

/** The vectors of known rows of a layer, in their order. */
class PlacedVectors {
  readonly #reader: Reader;
  readonly #layer: number;
  readonly #rows: readonly ChosenActivation[];
  readonly #dim: number;
  #kept: Float32Array | undefined;

  constructor(reader: Reader, layer: number, rows: readonly ChosenActivation[], dim: number) {
    this.#reader = reader;
    this.#layer = layer;
    this.#rows = rows;
    this.#dim = dim;
  }

  async *blocks(signal: AbortSignal): AsyncGenerator<VectorBlock> {
    const dim = this.#dim;
    if (this.#kept) {
      yield* blocksOf(this.#kept, dim, { signal });
      return;
    }
    const count = this.#rows.length;
    const { memory } = this.#reader;
    const kept = count * dim * 4 <= memory.kept ? new Float32Array(count * dim) : undefined;
    const step = Math.max(1, Math.floor(memory.read / (dim * 4)));
    for (let start = 0; start < count; start += step) {
      const end = Math.min(count, start + step);
      const data = kept?.subarray(start * dim, end * dim) ?? new Float32Array((end - start) * dim);
      await this.#read(start, end, data);
      yield* blocksOf(data, dim, { start, signal });
    }
    this.#kept = kept;
  }

  /** Reads the vectors of rows start to end - 1. */
  async #read(start: number, end: number, into: Float32Array): Promise<void> {
    const { context, relations, plan } = this.#reader;
    const dim = this.#dim;
    const wanted = this.#rows.slice(start, end);
    const printer = new Printer(relations);
    const where: Condition = { kind: 'all', items: [plan.choice.where, ...this.#stretch(wanted)] };
    const list = (values: readonly (string | number)[], type: string) =>
      `unnest(${printer.list(values, type)})`;
    const places = [
      `${list(
        wanted.map(({ storeId }) => storeId),
        'VARCHAR',
      )} AS store_id`,
      `${list(
        wanted.map(({ activationKey }) => activationKey),
        'VARCHAR',
      )} AS activation_key`,
      `${list(
        wanted.map(({ tokenIndex }) => tokenIndex ?? NO_TOKEN),
        'INTEGER',
      )} AS token_index`,
      `${list(
        wanted.map(({ site }) => site),
        'VARCHAR',
      )} AS site`,
      `${list(
        wanted.map(({ tokenSelector }) => tokenSelector),
        'VARCHAR',
      )} AS token_selector`,
      `${list(
        wanted.map(({ segment }) => segment ?? ''),
        'VARCHAR',
      )} AS segment`,
      `${list([...wanted.keys()], 'INTEGER')} AS place`,
    ];
    // Only wanted vectors leave the engine, each with its place.
    const text = `WITH w AS MATERIALIZED (SELECT ${places.join(', ')}) SELECT w.place, t.vector FROM ${printer.relation(plan.choice.source)} t JOIN w ON w.store_id = t.store_id AND w.activation_key = t.activation_key AND w.token_index = coalesce(t.token_index, ${NO_TOKEN}) AND w.site = t.site AND w.token_selector = t.token_selector AND w.segment = coalesce(t.segment, '') WHERE ${printer.condition(where, 't')}`;
    const { rows } = await runText(context, { text, params: printer.params });
    const missing = new Set(wanted.keys());
    for (const [place, vector] of rows) {
      const at = Number(place);
      if (!(vector instanceof Float32Array) || vector.length !== dim) continue;
      into.set(vector, at * dim);
      missing.delete(at);
    }
    const [lacking] = missing;
    if (lacking !== undefined) {
      throw new QueryError(
        `the vector of ${wanted[lacking]!.activationKey} in layer ${this.#layer} has not the ${dim} numbers that its row says`,
      );
    }
  }

  /** Conditions that leave little beside some consecutive rows, in the terms by which files are sorted. */
  #stretch(rows: readonly ChosenActivation[]): Condition[] {
    const [first, last] = [rows[0]!, rows.at(-1)!];
    const between = (name: string, low: string | number, high: string | number): Condition[] => {
      const column = columnOf(ENTITIES.Activation, name);
      return [
        { kind: 'compare', column, op: 'gte', value: low },
        { kind: 'compare', column, op: 'lte', value: high },
      ];
    };
    const conditions = between('layer', this.#layer, this.#layer);
    conditions.push(...between('store_id', first.storeId, last.storeId));
    if (first.storeId !== last.storeId) return conditions;
    conditions.push(...between('activation_key', first.activationKey, last.activationKey));
    if (first.activationKey !== last.activationKey) return conditions;
    if (first.tokenIndex === null || last.tokenIndex === null) return conditions;
    return [...conditions, ...between('token_index', first.tokenIndex, last.tokenIndex)];
  }
}
