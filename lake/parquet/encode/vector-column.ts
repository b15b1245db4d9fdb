import type { BytePlanes, FloatSource } from '../floats/byte-planes.ts';
import { type ChunkSummary, ENCODING, type EncodedColumn } from './format.ts';
import type { ColumnChunk, ParquetFile } from './parquet-file.ts';
import { levels, RunWriter } from './runs.ts';

/** Definition levels of optional lists of optional elements. */
const EMPTY_LIST = 1;
const ELEMENT = 3;

/** The vectors of one row group as LIST<FLOAT> in BYTE_STREAM_SPLIT: one page. No list and no element is null. */
export class VectorColumn {
  readonly #chunk: ColumnChunk;
  readonly #planes: BytePlanes;
  readonly #repetition = new RunWriter(1);
  readonly #definition = new RunWriter(2);
  /** Elements, and lists without any. */
  #levels = 0;

  /** @param planes with room for every vector of the row group; what they hold is overwritten */
  constructor(file: ParquetFile, column: EncodedColumn, planes: BytePlanes) {
    this.#chunk = file.chunk(column);
    this.#planes = planes;
    planes.clear();
  }

  /** Adds the vector `values[start, end)`; gives the sum of its squares in double precision. */
  add(values: FloatSource, start: number, end: number): number {
    const length = end - start;
    this.#repetition.add(0, 1);
    if (length > 1) this.#repetition.add(1, length - 1);
    this.#definition.add(length === 0 ? EMPTY_LIST : ELEMENT, Math.max(1, length));
    this.#levels += Math.max(1, length);
    return this.#planes.add(values, start, end);
  }

  end(): ChunkSummary {
    const parts = [levels(this.#repetition), levels(this.#definition), ...this.#planes.planes];
    this.#chunk.dataPage(parts, this.#levels, ENCODING.byteStreamSplit);
    return this.#chunk.end({});
  }
}
