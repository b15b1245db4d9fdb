import { isJsonObject, type JsonObject, type JsonValue } from '../../../ingest/contracts/json-value.ts';
import { textChunks } from '../../../ingest/formats/bytes/chunks.ts';
import { readCsv } from '../../../ingest/formats/csv/csv.ts';
import { FormatError } from '../../../ingest/formats/errors.ts';
import { readJsonl } from '../../../ingest/formats/json/jsonl.ts';
import { parseJson } from '../../../ingest/formats/json/parse.ts';
import { messageOf } from '../../../lake/errors.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import type { TaskServices } from '../task.ts';
import { locate } from './locate.ts';

/** What is read of a file at most: rows are held in memory. */
const MAX_BYTES = 2 ** 30;

/**
 * The rows of a file of questions: JSON lines, a JSON array, CSV or TSV, gzipped or not, told by the name.
 * @param address a path on the worker, a key in the store, or an address such as s3://bucket/key
 * @throws PermanentTaskError for a file that is not there or has a bad row
 */
export async function readRows(
  address: string,
  services: Pick<TaskServices, 'store' | 'env'>,
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const { store, key } = await locate(address, services, signal);
  const info = await store.head(key, { signal });
  if (info === undefined) throw new PermanentTaskError('NO_QUESTIONS', `there is no file ${address}`);
  if (info.size > MAX_BYTES) {
    throw new PermanentTaskError(
      'QUESTIONS_TOO_LARGE',
      `${address} has ${info.size} bytes; expected at most ${MAX_BYTES}: split it`,
    );
  }
  try {
    return await parse(key.toLowerCase().replace(/\.gz$/, ''), store.stream(key, { signal }), signal);
  } catch (error) {
    if (error instanceof FormatError || error instanceof BadRow)
      throw new PermanentTaskError('BAD_QUESTIONS', `${address}: ${messageOf(error)}`, error);
    throw error;
  }
}

class BadRow extends Error {}

type Bytes = AsyncIterable<Uint8Array>;

async function parse(name: string, bytes: Bytes, signal: AbortSignal): Promise<JsonObject[]> {
  if (name.endsWith('.csv')) return csvRows(bytes, ',', signal);
  if (name.endsWith('.tsv')) return csvRows(bytes, '\t', signal);
  if (name.endsWith('.json')) return documentRows(bytes, signal);
  return lineRows(bytes, signal);
}

async function lineRows(bytes: Bytes, signal: AbortSignal): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  for await (const lines of readJsonl(bytes, { signal })) {
    for (const line of lines) {
      if (line.error !== undefined) throw line.error;
      rows.push(rowOf(line.value, `line ${line.line}`));
    }
  }
  return rows;
}

async function csvRows(bytes: Bytes, delimiter: string, signal: AbortSignal): Promise<JsonObject[]> {
  const { header, batches } = await readCsv(bytes, { delimiter, signal });
  const rows: JsonObject[] = [];
  for await (const batch of batches) {
    for (const { fields, error } of batch) {
      if (error !== undefined) throw error;
      rows.push(Object.fromEntries(header.map((name, i) => [name, fields[i] ?? ''])));
    }
  }
  return rows;
}

async function documentRows(bytes: Bytes, signal: AbortSignal): Promise<JsonObject[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of textChunks(bytes, { signal })) chunks.push(chunk);
  const { value } = parseJson(Buffer.concat(chunks));
  if (!Array.isArray(value)) throw new BadRow('expected an array of objects');
  return value.map((item, i) => rowOf(item, `item ${i}`));
}

/** NaN is what pandas writes for an empty cell, and nothing that could be kept as JSON. */
function withoutNaN(row: JsonObject): JsonObject {
  const isMissing = (value: JsonValue): boolean => typeof value === 'number' && Number.isNaN(value);
  if (!Object.values(row).some(isMissing)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isMissing(value) ? null : value]),
  );
}

/** A text alone is a prompt. */
export function rowOf(value: JsonValue, where: string): JsonObject {
  if (typeof value === 'string') return { prompt: value };
  if (isJsonObject(value)) return withoutNaN(value);
  throw new BadRow(`${where}: expected an object`);
}
