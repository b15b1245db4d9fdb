import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { decodeChunk } from '../../engine/decode.ts';
import type { EngineValue } from '../../engine/types.ts';
import { ACTIVATIONS } from '../../tables/tables.ts';
import type { CopiedFile } from '../copy.ts';
import { SEGMENTS, type StoredBatch } from './batch.ts';
import { VectorFile } from './vector-file.ts';

/**
 * Writes the rows of a SELECT as a file of `activations` in their order, with the row groups that ingest makes; DuckDB makes
 * none of less than 2,048 rows.
 * @param select the columns of `activations`, in order
 * @returns undefined, and writes nothing, when a row is none of ours: without a norm, or with a value that no ingest writes
 */
export async function copyVectors(
  connection: DuckDBConnection,
  select: string,
  path: string,
): Promise<CopiedFile | undefined> {
  const result = await connection.stream(select);
  const types = result.columnTypes();
  const file = new VectorFile(path);
  try {
    for (let chunk = await result.fetchChunk(); chunk; chunk = await result.fetchChunk()) {
      if (chunk.rowCount === 0) break;
      const rows = decodeChunk(chunk, types).map(vectorRow);
      if (!areOurs(rows)) {
        file.discard();
        return undefined;
      }
      for (const batch of batchesOf(rows)) {
        const layer = batch.layer[0]!;
        // A server goes on answering: a row group takes some hundredths of a second.
        if (file.add({ batch, layer, start: 0, end: batch.rows }) > 0) await nextTurn();
      }
    }
    return file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** A row of `activations`. */
interface VectorRow {
  /** What neighbouring rows have in common that become one batch. */
  readonly common: Omit<StoredBatch, 'rows' | 'vectors' | 'layer' | 'tokenIndex' | 'segment' | 'norms'> & {
    readonly layer: number;
  };
  readonly tokenIndex: number;
  readonly segment: number;
  readonly norm: number;
  readonly vector: Float32Array;
}

const PLACES = new Map(ACTIVATIONS.columns.map(({ name }, place) => [name, place]));

/** Undefined when a value is none that the encoder writes. */
function vectorRow(row: readonly EngineValue[]): VectorRow | undefined {
  const value = (name: string) => row[PLACES.get(name)!];
  const text = (name: string) => {
    const found = value(name);
    return typeof found === 'string' ? found : undefined;
  };
  const [storeId, ingestId, key] = ['store_id', 'ingest_id', 'activation_key'].map(text);
  const [site, tokenSelector, dtype] = ['site', 'token_selector', 'dtype'].map(text);
  const [exampleId, modelId] = [text('example_id') ?? null, text('model_id') ?? null];
  const [layer, dim, norm, vector] = ['layer', 'dim', 'norm', 'vector'].map(value);
  const tokenIndex = value('token_index') ?? NO_TOKEN;
  const segment = SEGMENTS.indexOf(text('segment') ?? null);
  if (storeId === undefined || ingestId === undefined || key === undefined) return undefined;
  if (site === undefined || tokenSelector === undefined || dtype === undefined) return undefined;
  if (typeof layer !== 'number' || typeof norm !== 'number' || typeof tokenIndex !== 'number')
    return undefined;
  if (!(vector instanceof Float32Array) || vector.length !== dim) return undefined;
  // -1 stands for no token in a batch, and would come back as null.
  if (segment < 0 || value('token_index') === NO_TOKEN) return undefined;
  const common = { storeId, ingestId, key, exampleId, modelId, site, tokenSelector, dtype, dim, layer };
  return { common, tokenIndex, segment, norm, vector };
}

const NO_TOKEN = -1;

function areOurs(rows: readonly (VectorRow | undefined)[]): rows is readonly VectorRow[] {
  return rows.every((row) => row !== undefined);
}

function* batchesOf(rows: readonly VectorRow[]): Generator<StoredBatch> {
  for (let start = 0, end = 0; start < rows.length; start = end) {
    const { common } = rows[start]!;
    while (end < rows.length && isSame(rows[end]!.common, common)) end += 1;
    yield batchOf(common, rows.slice(start, end));
  }
}

function isSame(a: VectorRow['common'], b: VectorRow['common']): boolean {
  return (Object.keys(a) as (keyof VectorRow['common'])[]).every((name) => a[name] === b[name]);
}

function batchOf(common: VectorRow['common'], rows: readonly VectorRow[]): StoredBatch {
  const vectors = new Float32Array(rows.length * common.dim);
  for (const [i, { vector }] of rows.entries()) vectors.set(vector, i * common.dim);
  return {
    ...common,
    rows: rows.length,
    vectors,
    layer: new Int32Array(rows.length).fill(common.layer),
    tokenIndex: Int32Array.from(rows, ({ tokenIndex }) => tokenIndex),
    segment: Uint8Array.from(rows, ({ segment }) => segment),
    norms: Float64Array.from(rows, ({ norm }) => norm),
  };
}
