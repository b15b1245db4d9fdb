import type { BytePlanes, FloatSource } from '../floats/byte-planes.ts';
import { type ChunkSummary, ENCODING, type EncodedColumn } from './format.ts';
import type { ColumnChunk, ParquetFile } from './parquet-file.ts';
import { levels, RunWriter } from './runs.ts';

/** Values a page, but for vectors that are longer: 8 MiB, which is a row group of 2,048 vectors of 1,024 values. */
export const PAGE_VALUES = 1 << 21;

/** Definition levels of optional lists of optional elements. */
const EMPTY_LIST = 1;
const ELEMENT = 3;

/** The vectors of one row group as LIST<FLOAT> in BYTE_STREAM_SPLIT. No list and no element is null. */
export class VectorColumn {
  readonly #chunk: ColumnChunk;
  readonly #planes: BytePlanes;
  #repetition = new RunWriter(1);
  #definition = new RunWriter(2);
  /** Levels of the page: elements, and lists without any. */
  #levels = 0;

  /** @param planes empty, with room for a page and for every vector */
  constructor(file: ParquetFile, column: EncodedColumn, planes: BytePlanes) {
    this.#chunk = file.chunk(column);
    this.#planes = planes;
  }

  /** Adds the vector `values[start, end)`; gives the sum of its squares in double precision. */
  add(values: FloatSource, start: number, end: number): number {
    const length = end - start;
    if (this.#levels > 0 && this.#planes.length + length > PAGE_VALUES) this.#endPage();
    this.#repetition.add(0, 1);
    if (length > 1) this.#repetition.add(1, length - 1);
    this.#definition.add(length === 0 ? EMPTY_LIST : ELEMENT, Math.max(1, length));
    this.#levels += Math.max(1, length);
    return this.#planes.add(values, start, end);
  }

  end(): ChunkSummary {
    this.#endPage();
    return this.#chunk.end({});
  }

  #endPage(): void {
    const parts = [levels(this.#repetition), levels(this.#definition), ...this.#planes.planes];
    this.#chunk.dataPage(parts, this.#levels, ENCODING.byteStreamSplit);
    this.#planes.clear();
    this.#repetition = new RunWriter(1);
    this.#definition = new RunWriter(2);
    this.#levels = 0;
  }
}
