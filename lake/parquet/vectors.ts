import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DOUBLE,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBTableFunction,
  type DuckDBTableFunctionBindInfo,
  ENUM,
  FLOAT,
  INTEGER,
  LIST,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { InvalidArgumentError } from '../errors.ts';
import type { TableSpec } from '../tables/schema.ts';
import { type CopiedFile, copyToParquet } from './copy.ts';
import { dataFileName, sqlName, sqlString } from './file-name.ts';
import { copyValues, listElements } from './raw-vectors.ts';

/**
 * Vectors of one entry of an activation store, all of one length, in the order layer, token.
 * The typed arrays are read when the batch is added and may be reused afterwards, except `vectors`,
 * which is kept until the file is written.
 */
export interface VectorBatch {
  /** Key of the entry in its store. */
  readonly key: string;
  readonly exampleId: string | null;
  readonly modelId: string | null;
  readonly site: string;
  readonly tokenSelector: string;
  readonly dtype: string;
  readonly dim: number;
  readonly rows: number;
  /** Row-major, `rows * dim` values. */
  readonly vectors: Float32Array;
  /** One value a row. */
  readonly layer: Int32Array;
  /** One value a row; -1 for none. */
  readonly tokenIndex: Int32Array;
  /** One value a row: 0 unknown, 1 prompt, 2 response. */
  readonly segment: Uint8Array;
  /** One value a row. */
  readonly norm: Float64Array;
}

export const SEGMENTS = ['', 'prompt', 'response'] as const;

export interface VectorFileOptions {
  readonly spec: TableSpec;
  readonly storeId: string;
  readonly ingestId: string;
  /** Write a file once this many bytes of vectors are collected. */
  readonly fileBytes?: number;
}

/** DuckDB's vector size: the most rows a data chunk holds. */
const CHUNK_ROWS = 2_048;

/** 64 MiB: a file is one sort run held in memory; compaction makes larger ones. */
const FILE_BYTES = 64 * 1024 * 1024;

const TEXT_COLUMNS = [
  'activation_key',
  'example_id',
  'model_id',
  'site',
  'token_selector',
  'segment',
  'dtype',
] as const;

/** Texts by number: what DuckDB calls an ENUM. Code 0 is the empty text and stands for null. */
class Dictionary {
  readonly values: string[] = [''];
  readonly #codes = new Map<string, number>([['', 0]]);

  code(text: string | null): number {
    const key = text ?? '';
    let code = this.#codes.get(key);
    if (code === undefined) {
      code = this.values.length;
      this.values.push(key);
      this.#codes.set(key, code);
    }
    return code;
  }
}

/**
 * Writes rows of `activations`: collects batches, orders their rows by layer, key and token without touching the
 * vectors, and feeds DuckDB's Parquet writer chunk by chunk with memory copies (100 times faster than setting values;
 * docs/decisions). Memory: `fileBytes` plus one chunk.
 */
export class VectorWriter {
  readonly #connection: DuckDBConnection;
  readonly #directory: string;
  readonly #options: VectorFileOptions;
  readonly #fileBytes: number;
  #batches: VectorBatch[] = [];
  #bytes = 0;
  /** What is being written, if anything. */
  #source: VectorSource | undefined;
  #function: string | undefined;

  constructor(connection: DuckDBConnection, directory: string, options: VectorFileOptions) {
    this.#connection = connection;
    this.#directory = directory;
    this.#options = options;
    this.#fileBytes = options.fileBytes ?? FILE_BYTES;
  }

  /** Collects a batch; true once enough is collected for a file, and `write` should follow. */
  add(batch: VectorBatch): boolean {
    if (batch.vectors.length !== batch.rows * batch.dim || batch.layer.length < batch.rows) {
      throw new InvalidArgumentError(
        `a batch of ${batch.rows} x ${batch.dim} has ${batch.vectors.length} values`,
      );
    }
    if (batch.rows === 0) return false;
    this.#batches.push(batch);
    this.#bytes += batch.vectors.byteLength;
    return this.#bytes >= this.#fileBytes;
  }

  /** Writes what is collected; undefined when that is nothing. One file of a writer is written at a time. */
  async write(): Promise<CopiedFile | undefined> {
    if (this.#batches.length === 0) return undefined;
    const batches = this.#batches;
    this.#batches = [];
    this.#bytes = 0;
    await mkdir(this.#directory, { recursive: true });
    this.#source = new VectorSource(batches);
    this.#function ??= this.#register();
    const { spec, storeId, ingestId } = this.#options;
    const expressions: Record<string, string> = {
      store_id: sqlString(storeId),
      ingest_id: sqlString(ingestId),
      token_index: 'nullif(token_index, -1)',
      ...Object.fromEntries(TEXT_COLUMNS.map((c) => [c, `nullif(${sqlName(c)}::VARCHAR, '')`])),
    };
    const columns = spec.columns.map(
      (c) => `${expressions[c.name] ?? sqlName(c.name)} AS ${sqlName(c.name)}`,
    );
    try {
      return await copyToParquet(
        this.#connection,
        `SELECT ${columns.join(', ')} FROM ${this.#function}()`,
        spec,
        join(this.#directory, dataFileName()),
      );
    } finally {
      this.#source = undefined;
    }
  }

  /**
   * Registers a table function of the rows that are being written and gives its name. DuckDB keeps a function, and all
   * that it refers to, for good: so there is one for every file, and it refers to the file only while it is written.
   */
  #register(): string {
    registered += 1;
    const name = `vectors_${registered}`;
    const source = (): VectorSource => {
      if (this.#source === undefined) throw new InvalidArgumentError('no vectors are being written');
      return this.#source;
    };
    this.#connection.registerTableFunction(
      DuckDBTableFunction.create({
        name,
        bindFunction: (info) => source().bind(info),
        initFunction: (info) => info.setMaxThreads(1),
        mainFunction: (_info, chunk) => source().fill(chunk),
      }),
    );
    return name;
  }
}

let registered = 0;

/** The rows of some batches as a DuckDB table function, in file order. */
class VectorSource {
  readonly #batches: readonly VectorBatch[];
  /** Row r of batch b, for every row in file order. */
  readonly #batchOf: Uint32Array;
  readonly #rowOf: Uint32Array;
  readonly #dictionaries: readonly Dictionary[];
  /** Codes of the text columns by batch; `segment` is a row's own. */
  readonly #codes: readonly (readonly number[])[];
  #next = 0;
  #values = new Float32Array(0);

  constructor(batches: readonly VectorBatch[]) {
    this.#batches = batches;
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    const batchOf = new Uint32Array(rows);
    const rowOf = new Uint32Array(rows);
    // Batches in key order, then a stable sort of rows by layer: within a layer, keys and tokens stay in order.
    const byKey = batches.map((_, b) => b).sort((a, b) => compareText(batches[a]!.key, batches[b]!.key));
    let n = 0;
    for (const b of byKey) {
      for (let r = 0; r < batches[b]!.rows; r++) {
        batchOf[n] = b;
        rowOf[n] = r;
        n += 1;
      }
    }
    const layers = new Int32Array(rows);
    for (let i = 0; i < rows; i++) layers[i] = batches[batchOf[i]!]!.layer[rowOf[i]!]!;
    const order = countingSort(layers);
    this.#batchOf = order.map((i) => batchOf[i]!);
    this.#rowOf = order.map((i) => rowOf[i]!);
    const dictionaries = TEXT_COLUMNS.map(() => new Dictionary());
    for (const segment of SEGMENTS) dictionaries[TEXT_COLUMNS.indexOf('segment')]!.code(segment);
    this.#codes = batches.map((batch) =>
      [batch.key, batch.exampleId, batch.modelId, batch.site, batch.tokenSelector, null, batch.dtype].map(
        (text, c) => dictionaries[c]!.code(text),
      ),
    );
    this.#dictionaries = dictionaries;
  }

  bind(info: DuckDBTableFunctionBindInfo): void {
    for (const [c, column] of TEXT_COLUMNS.entries()) {
      info.addResultColumn(column, ENUM(this.#dictionaries[c]!.values));
    }
    for (const column of ['layer', 'token_index', 'dim']) info.addResultColumn(column, INTEGER);
    info.addResultColumn('norm', DOUBLE);
    info.addResultColumn('vector', LIST(FLOAT));
    info.setCardinality(this.#batchOf.length, true);
  }

  /** The next rows; none at the end. */
  fill(chunk: DuckDBDataChunk): void {
    const start = this.#next;
    const rows = Math.min(CHUNK_ROWS, this.#batchOf.length - start);
    this.#next += rows;
    chunk.rowCount = rows;
    if (rows === 0) return;
    const segmentColumn = TEXT_COLUMNS.indexOf('segment');
    TEXT_COLUMNS.forEach((_, c) => {
      const codes = codeArray(this.#dictionaries[c]!.values.length, rows);
      for (let i = 0; i < rows; i++) {
        const b = this.#batchOf[start + i]!;
        codes[i] =
          c === segmentColumn ? this.#batches[b]!.segment[this.#rowOf[start + i]!]! : this.#codes[b]![c]!;
      }
      copy(chunk, c, codes);
    });
    const layer = new Int32Array(rows);
    const tokenIndex = new Int32Array(rows);
    const dim = new Int32Array(rows);
    const norm = new Float64Array(rows);
    let total = 0;
    for (let i = 0; i < rows; i++) {
      const batch = this.#batches[this.#batchOf[start + i]!]!;
      const r = this.#rowOf[start + i]!;
      layer[i] = batch.layer[r]!;
      tokenIndex[i] = batch.tokenIndex[r]!;
      dim[i] = batch.dim;
      norm[i] = batch.norm[r]!;
      total += batch.dim;
    }
    if (this.#values.length < total) this.#values = new Float32Array(total);
    const values = this.#values.subarray(0, total);
    for (let i = 0, at = 0; i < rows; i++) {
      const batch = this.#batches[this.#batchOf[start + i]!]!;
      const from = this.#rowOf[start + i]! * batch.dim;
      values.set(batch.vectors.subarray(from, from + batch.dim), at);
      at += batch.dim;
    }
    const first = TEXT_COLUMNS.length;
    copy(chunk, first, layer);
    copy(chunk, first + 1, tokenIndex);
    copy(chunk, first + 2, dim);
    copy(chunk, first + 3, norm);
    copyValues(listElements(duckdb.data_chunk_get_vector(chunk.chunk, first + 4), dim, total), values);
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Indices that sort small integers stably. */
function countingSort(values: Int32Array): Uint32Array {
  const min = values.reduce((m, v) => Math.min(m, v), Number.MAX_SAFE_INTEGER);
  const max = values.reduce((m, v) => Math.max(m, v), Number.MIN_SAFE_INTEGER);
  const order = new Uint32Array(values.length);
  if (max - min > 1_000_000) {
    return Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
  }
  const next = new Uint32Array(max - min + 2);
  for (const value of values) next[value - min + 1]! += 1;
  for (let k = 1; k < next.length; k++) next[k]! += next[k - 1]!;
  for (let i = 0; i < values.length; i++) {
    const slot = values[i]! - min;
    order[next[slot]!] = i;
    next[slot]! += 1;
  }
  return order;
}

/** DuckDB stores ENUM codes in the smallest unsigned type that holds the dictionary. */
function codeArray(size: number, rows: number): Uint8Array | Uint16Array | Uint32Array {
  if (size <= 0xff) return new Uint8Array(rows);
  return size <= 0xffff ? new Uint16Array(rows) : new Uint32Array(rows);
}

function copy(chunk: DuckDBDataChunk, column: number, values: Parameters<typeof copyValues>[1]): void {
  copyValues(duckdb.data_chunk_get_vector(chunk.chunk, column), values);
}
