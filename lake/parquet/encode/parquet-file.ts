import { closeSync, openSync, writeSync } from 'node:fs';
import { frameBound, writeFrame } from '../zstd/frame.ts';
import {
  type ChunkSummary,
  dataPageHeader,
  dictionaryPageHeader,
  ENCODING,
  type EncodedColumn,
  fileMetadata,
  type PageSizes,
  type RowGroupSummary,
} from './format.ts';
import { encodeThrift, type ThriftValue } from './thrift.ts';

const MAGIC = Buffer.from('PAR1', 'latin1');

/** Bytes that are collected before they are written: a row group is dozens of small pages beside a large one. */
const BUFFERED = 1 << 20;

/** A Parquet file that is being written, page by page: nothing larger than a page is held. */
export class ParquetFile {
  readonly #columns: readonly EncodedColumn[];
  readonly #descriptor: number;
  readonly #groups: RowGroupSummary[] = [];
  readonly #buffer = new Uint8Array(BUFFERED);
  #buffered = 0;
  #bytes = 0;
  #frame = new Uint8Array(0);

  /** @throws when there is a file already */
  constructor(path: string, columns: readonly EncodedColumn[]) {
    this.#columns = columns;
    this.#descriptor = openSync(path, 'wx');
    this.#write(MAGIC);
  }

  /** Bytes of the file so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Starts a column of the current row group; its pages follow before those of another. */
  chunk(column: EncodedColumn): ColumnChunk {
    return new ColumnChunk(column, this);
  }

  /**
   * Ends a row group. The chunks are in the order of the columns. The first column must have been written first: where its chunk
   * lies is where parquet-java (Spark, Hive, Flink) takes the row group to begin when it gives the row groups of a file to
   * tasks, by their middles; one whose middle seems to lie behind the file would be read by none. Others may lie in any order.
   */
  endRowGroup(rows: number, chunks: readonly ChunkSummary[]): void {
    this.#groups.push({ rows, chunks });
  }

  /** Compresses and writes a page whose content is the parts; bytes of one part should be alike. */
  writePage(parts: readonly Uint8Array[], header: (sizes: PageSizes) => ThriftValue): PageSizes {
    const uncompressed = parts.reduce((sum, part) => sum + part.length, 0);
    const bound = frameBound(uncompressed, parts.length);
    if (this.#frame.length < bound) this.#frame = new Uint8Array(bound);
    const compressed = writeFrame(parts, this.#frame);
    const head = encodeThrift(header({ uncompressed, compressed }));
    this.#write(head);
    this.#write(this.#frame.subarray(0, compressed));
    return { uncompressed: head.length + uncompressed, compressed: head.length + compressed };
  }

  /** Writes the footer. */
  finish(): void {
    const footer = encodeThrift(fileMetadata(this.#columns, this.#groups));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    for (const part of [footer, length, MAGIC]) this.#write(part);
    this.#flush();
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #write(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFERED) this.#flush();
    if (bytes.length > BUFFERED) {
      writeWhole(this.#descriptor, bytes);
    } else {
      this.#buffer.set(bytes, this.#buffered);
      this.#buffered += bytes.length;
    }
    this.#bytes += bytes.length;
  }

  #flush(): void {
    writeWhole(this.#descriptor, this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** One column of one row group. */
export class ColumnChunk {
  readonly #column: EncodedColumn;
  readonly #file: ParquetFile;
  readonly #encodings: number[] = [ENCODING.rle];
  #values = 0;
  #uncompressed = 0;
  #compressed = 0;
  #dictionaryOffset: number | undefined;
  #dataOffset: number | undefined;

  constructor(column: EncodedColumn, file: ParquetFile) {
    this.#column = column;
    this.#file = file;
  }

  /** At most one, before the data pages. */
  dictionaryPage(content: Uint8Array, values: number): void {
    this.#dictionaryOffset = this.#file.bytes;
    this.#uses(ENCODING.plain);
    this.#add(this.#file.writePage([content], (sizes) => dictionaryPageHeader(sizes, values)));
  }

  /** @param values as many as there are levels */
  dataPage(parts: readonly Uint8Array[], values: number, encoding: number): void {
    this.#dataOffset ??= this.#file.bytes;
    this.#uses(encoding);
    this.#values += values;
    this.#add(this.#file.writePage(parts, (sizes) => dataPageHeader(sizes, values, encoding)));
  }

  end({ nulls, bounds }: Pick<ChunkSummary, 'nulls' | 'bounds'>): ChunkSummary {
    return {
      nulls,
      bounds,
      column: this.#column,
      encodings: this.#encodings,
      values: this.#values,
      uncompressed: this.#uncompressed,
      compressed: this.#compressed,
      dictionaryOffset: this.#dictionaryOffset,
      dataOffset: this.#dataOffset ?? this.#file.bytes,
    };
  }

  #uses(encoding: number): void {
    if (!this.#encodings.includes(encoding)) this.#encodings.push(encoding);
  }

  #add({ uncompressed, compressed }: PageSizes): void {
    this.#uncompressed += uncompressed;
    this.#compressed += compressed;
  }
}
