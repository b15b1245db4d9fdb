import { compareUtf8 } from '../../log/utf8-order.ts';
import { type ChunkSummary, ENCODING, type EncodedColumn } from './format.ts';
import type { ParquetFile } from './parquet-file.ts';
import { levels, RunWriter } from './runs.ts';

/** Longer texts are no bounds: nobody looks for them, and every reader would load them with the footer. */
const MAX_BOUND_BYTES = 1024;

/** How the values of a column are ordered and stored. */
export interface ScalarKind<T> {
  compare(a: T, b: T): number;
  /** The value as a bound of a column, in which it stands alone. */
  bytes(value: T): Uint8Array;
  /** Values one after another, in Parquet's PLAIN encoding. */
  plain(values: readonly T[]): Uint8Array;
}

export const TEXTS: ScalarKind<string> = {
  compare: compareUtf8,
  bytes: (value) => Buffer.from(value, 'utf8'),
  plain: (values) =>
    Buffer.concat(
      values.flatMap((value) => {
        const bytes = Buffer.from(value, 'utf8');
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return [length, bytes];
      }),
    ),
};

export const INTEGERS: ScalarKind<number> = {
  compare: (a, b) => a - b,
  bytes: (value) => bytesOf(Int32Array.of(value)),
  plain: (values) => bytesOf(Int32Array.from(values)),
};

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Values of a column in a row group, most of them repeating the one before. */
export class RunColumn<T> {
  readonly #kind: ScalarKind<T>;
  readonly #codes = new Map<T, number>();
  /** Code and count by turns; -1 stands for null. */
  readonly #runs: number[] = [];

  constructor(kind: ScalarKind<T>) {
    this.#kind = kind;
  }

  add(value: T | null, count: number): void {
    let code = -1;
    if (value !== null) {
      code = this.#codes.get(value) ?? this.#codes.size;
      if (code === this.#codes.size) this.#codes.set(value, code);
    }
    this.#runs.push(code, count);
  }

  /** The least and the greatest value; undefined when all are null. */
  bounds(): { readonly min: T; readonly max: T } | undefined {
    const sorted = [...this.#codes.keys()].sort(this.#kind.compare);
    const [min, max] = [sorted[0], sorted.at(-1)];
    return min === undefined || max === undefined ? undefined : { min, max };
  }

  nulls(): number {
    return this.#runs.reduce(
      (sum, count, i) => (i % 2 === 1 && this.#runs[i - 1] === -1 ? sum + count : sum),
      0,
    );
  }

  /** Writes a dictionary and the codes of the rows. */
  write(file: ParquetFile, column: EncodedColumn): ChunkSummary {
    const chunk = file.chunk(column);
    const values = [...this.#codes.keys()];
    if (values.length > 0) chunk.dictionaryPage(this.#kind.plain(values), values.length);
    const width = Math.max(1, 32 - Math.clz32(values.length - 1));
    const present = new RunWriter(1);
    const codes = new RunWriter(width);
    let rows = 0;
    for (let i = 0; i < this.#runs.length; i += 2) {
      const [code, count] = [this.#runs[i]!, this.#runs[i + 1]!];
      present.add(code < 0 ? 0 : 1, count);
      if (code >= 0) codes.add(code, count);
      rows += count;
    }
    const content = values.length === 0 ? [] : [Uint8Array.of(width), codes.finish()];
    const encoding = values.length === 0 ? ENCODING.plain : ENCODING.rleDictionary;
    chunk.dataPage([levels(present), ...content], rows, encoding);
    const bounds = this.bounds();
    const [min, max] = bounds === undefined ? [] : [bounds.min, bounds.max].map(this.#kind.bytes);
    const short =
      min !== undefined && max !== undefined && Math.max(min.length, max.length) <= MAX_BOUND_BYTES;
    return chunk.end({ nulls: this.nulls(), bounds: short ? { min, max } : undefined });
  }
}

/** Writes doubles, none of them null. Their bounds are left out when one is NaN, for which no bound holds. */
export function writeDoubles(file: ParquetFile, column: EncodedColumn, values: Float64Array): ChunkSummary {
  const chunk = file.chunk(column);
  const present = new RunWriter(1);
  present.add(1, values.length);
  chunk.dataPage([levels(present), bytesOf(values)], values.length, ENCODING.plain);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (Number.isNaN(min)) return chunk.end({ nulls: 0 });
  // A zero may stand for both zeros, which readers order differently.
  const bounds = [min === 0 ? -0 : min, max === 0 ? 0 : max].map((bound) => bytesOf(Float64Array.of(bound)));
  return chunk.end({ nulls: 0, bounds: { min: bounds[0]!, max: bounds[1]! } });
}
