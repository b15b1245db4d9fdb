import { blocksOf, type VectorBlock } from '../../compute/geometry/vector-set.ts';
import { QueryError } from '../../lake/engine/errors.ts';
import type { RequestContext } from '../context.ts';
import type { Choice } from './activation-choice.ts';
import { columnOf, ENTITIES } from './entities.ts';
import { runText } from './execute.ts';
import type { Condition } from './ir.ts';
import { Printer } from './sql.ts';

/** What identifies an activation within its layer. */
export interface LayerRow {
  readonly storeId: string;
  readonly activationKey: string;
  readonly tokenIndex: number | null;
  readonly site: string;
  readonly tokenSelector: string;
  readonly segment: string | null;
}

/** Known rows of a layer, whose vectors are in the lake. */
export interface StoredRows {
  readonly context: RequestContext;
  readonly relations: readonly string[];
  /** Where the rows were chosen. */
  readonly choice: Pick<Choice, 'where' | 'source'>;
  readonly layer: number;
  readonly rows: readonly LayerRow[];
  /** Numbers of each vector. */
  readonly dim: number;
}

/** How many bytes of vectors are held. */
export interface VectorMemory {
  /** From one pass over a layer to the next; a larger layer is read anew. */
  readonly kept: number;
  /** In the answer to one statement. */
  readonly read: number;
}

/** Stands for the token of what has none, which is equal to nothing in SQL. */
const NO_TOKEN = -1;

/** The vectors of known rows of a layer, in their order. */
export class PlacedVectors {
  readonly #stored: StoredRows;
  readonly #memory: VectorMemory;
  #kept: Float32Array | undefined;

  constructor(stored: StoredRows, memory: VectorMemory) {
    this.#stored = stored;
    this.#memory = memory;
  }

  /** The vectors, a block at a time, as often as they are wanted. @throws QueryError */
  async *blocks(signal: AbortSignal): AsyncGenerator<VectorBlock> {
    const { rows, dim } = this.#stored;
    if (this.#kept) {
      yield* blocksOf(this.#kept, dim, { signal });
      return;
    }
    const count = rows.length;
    const memory = this.#memory;
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
    const { context, relations, choice, layer, dim } = this.#stored;
    const wanted = this.#stored.rows.slice(start, end);
    const printer = new Printer(relations);
    const where: Condition = { kind: 'all', items: [choice.where, ...stretch(layer, wanted)] };
    const column = (name: string, type: string, value: (row: LayerRow, place: number) => string | number) =>
      `unnest(${printer.list(wanted.map(value), type)}) AS ${name}`;
    const places = [
      column('store_id', 'VARCHAR', ({ storeId }) => storeId),
      column('activation_key', 'VARCHAR', ({ activationKey }) => activationKey),
      column('token_index', 'INTEGER', ({ tokenIndex }) => tokenIndex ?? NO_TOKEN),
      column('site', 'VARCHAR', ({ site }) => site),
      column('token_selector', 'VARCHAR', ({ tokenSelector }) => tokenSelector),
      column('segment', 'VARCHAR', ({ segment }) => segment ?? ''),
      column('place', 'INTEGER', (_, place) => place),
    ];
    // Only wanted vectors leave the engine, each with its place.
    const text = `WITH w AS MATERIALIZED (SELECT ${places.join(', ')}) SELECT w.place, t.vector FROM ${printer.relation(choice.source)} t JOIN w ON w.store_id = t.store_id AND w.activation_key = t.activation_key AND w.token_index = coalesce(t.token_index, ${NO_TOKEN}) AND w.site = t.site AND w.token_selector = t.token_selector AND w.segment = coalesce(t.segment, '') WHERE ${printer.condition(where, 't')}`;
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
        `the vector of ${wanted[lacking]!.activationKey} in layer ${layer} has not the ${dim} numbers that its row says`,
      );
    }
  }
}

/** Conditions that leave little beside some consecutive rows, in the terms by which files are sorted. */
function stretch(layer: number, rows: readonly LayerRow[]): Condition[] {
  const [first, last] = [rows[0]!, rows.at(-1)!];
  const between = (name: string, low: string | number, high: string | number): Condition[] => {
    const column = columnOf(ENTITIES.Activation, name);
    return [
      { kind: 'compare', column, op: 'gte', value: low },
      { kind: 'compare', column, op: 'lte', value: high },
    ];
  };
  const conditions = between('layer', layer, layer);
  conditions.push(...between('store_id', first.storeId, last.storeId));
  if (first.storeId !== last.storeId) return conditions;
  conditions.push(...between('activation_key', first.activationKey, last.activationKey));
  if (first.activationKey !== last.activationKey) return conditions;
  if (first.tokenIndex === null || last.tokenIndex === null) return conditions;
  return [...conditions, ...between('token_index', first.tokenIndex, last.tokenIndex)];
}
