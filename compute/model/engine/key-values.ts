import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { FloatTensor } from './session.ts';

/** Sizes that the keys and values of one model have. */
export interface KeyValueSizes {
  readonly layers: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Keys and values of one layer. */
export interface LayerKeyValues {
  readonly keys: FloatTensor;
  readonly values: FloatTensor;
}

/** Keys and values of tokens that rows of a batch have before them, one prefix or several: a layer `[K, N, P, d]`. */
export interface Prefix {
  /** Tokens of each; shorter ones are padded. */
  readonly lengths: readonly number[];
  readonly layers: readonly LayerKeyValues[];
}

/** One prefix without tokens, for rows that share nothing. */
export function emptyPrefix(sizes: KeyValueSizes): Prefix {
  const shape = [sizes.keyValueHeads, 1, 0, sizes.headDim];
  const none = { data: new Float32Array(0), shape };
  return { lengths: [0], layers: Array.from({ length: sizes.layers }, () => ({ keys: none, values: none })) };
}

/** Rows of one `RowKeyValues`. */
export interface RowsOf {
  readonly from: RowKeyValues;
  readonly rows: readonly number[];
}

/** Room is made for this many tokens at a time, and for an eighth of what there is. */
const STEP = 32;

/** Tokens that there is room for when so many are needed. */
export function roomFor(tokens: number): number {
  return Math.ceil((tokens + (tokens >> 3)) / STEP) * STEP;
}

/**
 * Keys and values of the rows' own earlier tokens, for generation token by token: a layer `[K, B, O, d]`. Rows have
 * lengths of their own; the room behind a row's end is masked by the graph.
 */
export class RowKeyValues {
  readonly #sizes: KeyValueSizes;
  #layers: LayerKeyValues[];
  #lengths: number[];
  #capacity = 0;

  constructor(sizes: KeyValueSizes, rows: number) {
    this.#sizes = sizes;
    this.#lengths = new Array<number>(rows).fill(0);
    this.#layers = this.#allocate(rows, 0);
  }

  /** Tokens of each row. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Tokens there is room for, the `O` of `layers`. */
  get capacity(): number {
    return this.#capacity;
  }

  get layers(): readonly LayerKeyValues[] {
    return this.#layers;
  }

  /**
   * Appends what a run computed: a layer `[K, B, S, d]`, of which the first `counts[row]` tokens are the row's.
   * @throws InvalidArgumentError
   */
  append(added: readonly LayerKeyValues[], counts: readonly number[]): void {
    if (counts.length !== this.#lengths.length || added.length !== this.#sizes.layers) {
      throw new InvalidArgumentError(`${counts.length} rows of ${added.length} layers do not fit`);
    }
    const next = this.#lengths.map((length, row) => length + counts[row]!);
    const needed = Math.max(0, ...next);
    if (needed > this.#capacity) this.#grow(needed);
    const { keyValueHeads, headDim } = this.#sizes;
    const rows = counts.length;
    const tokens = added[0]!.keys.shape[2]!;
    for (const [layer, from] of added.entries()) {
      const to = this.#layers[layer]!;
      for (const part of ['keys', 'values'] as const) {
        for (let head = 0; head < keyValueHeads; head++) {
          for (let row = 0; row < rows; row++) {
            const source = (head * rows + row) * tokens * headDim;
            const target = ((head * rows + row) * this.#capacity + this.#lengths[row]!) * headDim;
            to[part].data.set(from[part].data.subarray(source, source + counts[row]! * headDim), target);
          }
        }
      }
    }
    this.#lengths = next;
  }

  /**
   * Rows of several, in this order, as one; a row may be taken several times (samples of one prompt). Room is made for at
   * least one more token.
   * @throws InvalidArgumentError
   */
  static gather(parts: readonly RowsOf[]): RowKeyValues {
    const [first] = parts;
    if (first === undefined) throw new InvalidArgumentError('no rows to gather');
    const lengths = parts.flatMap(({ from, rows }) => rows.map((row) => from.#lengthOf(row)));
    const gathered = new RowKeyValues(first.from.#sizes, 0);
    gathered.#assemble(parts, roomFor(Math.max(0, ...lengths) + 1));
    gathered.#lengths = lengths;
    return gathered;
  }

  /** Keeps these rows, in this order; a row may be kept several times. */
  select(rows: readonly number[]): void {
    const lengths = rows.map((row) => this.#lengthOf(row));
    this.#assemble([{ from: this, rows }], this.#capacity);
    this.#lengths = lengths;
  }

  #lengthOf(row: number): number {
    const length = this.#lengths[row];
    if (length === undefined) throw new InvalidArgumentError(`there is no row ${row}`);
    return length;
  }

  #grow(needed: number): void {
    const rows = this.#lengths.map((_, row) => row);
    this.#assemble([{ from: this, rows }], roomFor(needed));
  }

  /** Replaces the tensors by copies of these rows. */
  #assemble(parts: readonly RowsOf[], capacity: number): void {
    const { keyValueHeads, headDim } = this.#sizes;
    const count = parts.reduce((sum, { rows }) => sum + rows.length, 0);
    const layers = this.#allocate(count, capacity);
    let at = 0;
    for (const { from, rows } of parts) {
      const before = from.#lengths.length;
      for (const row of rows) {
        const length = from.#lengths[row]! * headDim;
        for (const [layer, to] of layers.entries()) {
          for (const part of ['keys', 'values'] as const) {
            for (let head = 0; head < keyValueHeads; head++) {
              const source = (head * before + row) * from.#capacity * headDim;
              const target = (head * count + at) * capacity * headDim;
              to[part].data.set(from.#layers[layer]![part].data.subarray(source, source + length), target);
            }
          }
        }
        at++;
      }
    }
    this.#layers = layers;
    this.#capacity = capacity;
  }

  #allocate(rows: number, capacity: number): LayerKeyValues[] {
    const { layers, keyValueHeads, headDim } = this.#sizes;
    const shape = [keyValueHeads, rows, capacity, headDim];
    const tensor = () => ({ data: new Float32Array(keyValueHeads * rows * capacity * headDim), shape });
    return Array.from({ length: layers }, () => ({ keys: tensor(), values: tensor() }));
  }
}
