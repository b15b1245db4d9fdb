import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CancelledError } from '../../lake/errors.ts';
import type { VectorBatch } from '../../lake/parquet/vectors/batch.ts';
import { ObjectNotFoundError } from '../../lake/store/object-store.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { ACTIVATIONS, TOKENS } from '../../lake/tables/tables.ts';
import { DEFAULT_LEASE_MS } from '../../lake/upkeep/compact.ts';
import { ingestsOf } from '../../lake/visibility.ts';
import type { LakeWriter } from '../../lake/writer.ts';
import type { ActivationOptions, StoreEntry, StoreReader, StoreResult, TokenRecord } from '../family.ts';
import { CHUNK_TAG, ENTRIES_TAG, StoreFiles } from './store-files.ts';

/** Prefix of what is known about ingested stores. */
export const STORES_PREFIX = 'stores';

const issueSchema = z.object({
  severity: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  file: z.string().optional(),
  line: z.number().optional(),
  pointer: z.string().optional(),
});

const recordSchema = z.object({
  storeId: z.string(),
  nEntries: z.number(),
  nActivations: z.number(),
  files: z.number(),
  damaged: z.array(z.string()),
  issues: z.array(issueSchema),
});

type StoreRecord = z.infer<typeof recordSchema>;

export interface IngestedStore extends StoreResult {
  /** `ingest_id` of its rows. */
  readonly ingestId: string;
}

export interface StoreIngestOptions {
  readonly activations: ActivationOptions;
  /** Rows of one entry, layer by layer. */
  readonly rowsOf: (
    entry: StoreEntry,
    options: ActivationOptions,
    signal?: AbortSignal,
  ) => AsyncIterable<VectorBatch>;
  readonly signal?: AbortSignal;
  readonly onEntry?: () => void;
  /** Bytes of vectors a file. */
  readonly fileBytes?: number | undefined;
}

/**
 * Identity of a store in the lake: its content and which rows are made of it. Two runs that refer to copies of one
 * store share its rows; the same store with other options is another one.
 */
export function storeId(contentSha256: string, options: ActivationOptions): string {
  const layers = options.layers === undefined ? null : [...options.layers].sort((a, b) => a - b);
  const text = JSON.stringify([contentSha256, layers, options.tokens, options.sequence]);
  return `store-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

/**
 * Puts a store into the lake once. Files are committed as they fill, each exactly once (`txn`), so an ingest that was
 * killed goes on where it stopped, and two that run at the same time do the same work without doubling a row. Nothing
 * is visible until a run refers to the store.
 */
export async function ingestStore(
  writer: LakeWriter,
  id: string,
  open: () => Promise<StoreReader>,
  options: StoreIngestOptions,
): Promise<IngestedStore> {
  for (let attempt = 0; ; attempt++) {
    const ingestId = `${id}.${attempt}`;
    const state = await inspect(writer, ingestId, options.signal);
    // Rows that were cleaned away make this ingest id unusable for good: its commits are remembered as done.
    if (state.kind === 'broken') continue;
    if (state.kind === 'complete') return { ...state.record, ingestId };
    return await write(writer, id, ingestId, await open(), state, options);
  }
}

type StoreState =
  | { readonly kind: 'complete'; readonly record: StoreRecord }
  /** `chunks` files are committed and cover the first `entries` entries. */
  | { readonly kind: 'partial'; readonly chunks: number; readonly entries: number; readonly rows: number }
  | { readonly kind: 'broken' };

async function inspect(writer: LakeWriter, ingestId: string, signal?: AbortSignal): Promise<StoreState> {
  const { lake } = writer;
  const snapshot = await lake.table(ACTIVATIONS.name).snapshot({ signal });
  const live = [...snapshot.files.values()].filter((file) => ingestsOf(file).includes(ingestId));
  // Old rows that no run names may be dropped by a compaction at any moment, so they are not built upon.
  const newest = Math.max(0, ...live.map((file) => file.modificationTime));
  const lasting = Date.now() - newest < DEFAULT_LEASE_MS / 2;
  const visible = (await lake.snapshot({}, { signal })).visible.has(ingestId);
  if (live.length > 0 && !visible && !lasting) return { kind: 'broken' };
  const record = await readRecord(writer, ingestId, signal);
  if (record !== undefined) {
    return record.files === 0 || live.length > 0 ? { kind: 'complete', record } : { kind: 'broken' };
  }
  const done = (snapshot.txns.get(ingestId)?.version ?? -1) + 1;
  const chunks = live
    .map((file) => ({
      chunk: Number(file.tags?.[CHUNK_TAG] ?? -1),
      entries: Number(file.tags?.[ENTRIES_TAG] ?? -1),
      rows: z.object({ numRecords: z.number() }).parse(JSON.parse(file.stats ?? '{}')).numRecords,
    }))
    .sort((a, b) => a.chunk - b.chunk);
  if (chunks.length !== done || chunks.some((c, i) => c.chunk !== i || c.entries < 0))
    return { kind: 'broken' };
  return {
    kind: 'partial',
    chunks: done,
    entries: chunks.at(-1)?.entries ?? 0,
    rows: chunks.reduce((sum, c) => sum + c.rows, 0),
  };
}

async function write(
  writer: LakeWriter,
  id: string,
  ingestId: string,
  reader: StoreReader,
  from: Extract<StoreState, { kind: 'partial' }>,
  options: StoreIngestOptions,
): Promise<IngestedStore> {
  const { signal, activations } = options;
  const output = await StoreFiles.open(writer, id, ingestId, from, options);
  let [entries, nEntries] = [0, 0];
  try {
    for await (const entry of reader.entries(activations, signal)) {
      if (signal?.aborted) throw new CancelledError('the ingest', signal.reason);
      nEntries += 1;
      entries += 1;
      options.onEntry?.();
      if (entries <= from.entries) continue;
      await output.tokens.append(TOKENS, tokenRows(id, ingestId, entry.key, entry.tokenRecords));
      let full = false;
      for await (const batch of options.rowsOf(entry, activations, signal)) full = output.add(batch) || full;
      // Files end between entries, so that an entry is whole in one.
      if (full) await output.cut(entries);
    }
    await output.finish(entries);
    const { chunk, rows } = output;
    const record: StoreRecord = {
      storeId: id,
      nEntries,
      nActivations: rows,
      files: chunk,
      damaged: [...reader.damaged],
      issues: reader.issues.map((issue) => ({ ...issue })),
    };
    await writer.lake.store.put(recordKey(ingestId), Buffer.from(JSON.stringify(record)), { signal });
    return { ...record, ingestId };
  } finally {
    await output.close();
  }
}

function tokenRows(storeId: string, ingestId: string, key: string, records: readonly TokenRecord[]): Row[] {
  const rows: Row[] = [];
  for (const { segment, ids, logprobs, topK = 0, topIds, topLogprobs } of records) {
    for (let i = 0; i < ids.length; i++) {
      const top = (values: ArrayLike<number> | undefined) =>
        values === undefined || topK === 0
          ? undefined
          : Array.from({ length: topK }, (_, k) => values[i * topK + k]!);
      rows.push({
        store_id: storeId,
        ingest_id: ingestId,
        activation_key: key,
        segment,
        token_index: i,
        token_id: ids[i]!,
        logprob: logprobs?.[i] ?? null,
        top_ids: top(topIds)?.map(BigInt) ?? null,
        top_logprobs: topLogprobs === undefined ? null : Float32Array.from(top(topLogprobs) ?? []),
      });
    }
  }
  return rows;
}

const recordKey = (ingestId: string): string => `${STORES_PREFIX}/${ingestId}.json`;

async function readRecord(
  writer: LakeWriter,
  ingestId: string,
  signal?: AbortSignal,
): Promise<StoreRecord | undefined> {
  try {
    const bytes = await writer.lake.store.get(recordKey(ingestId), { signal });
    return recordSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}
