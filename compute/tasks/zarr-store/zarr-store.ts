import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { jsonText } from '../../../ingest/run-files/json-text.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { ArrayWriter, putJson, writeTexts } from './array-writer.ts';

/** Size of the chunks that are aimed at, in bytes. */
const CHUNK_BYTES = 8 * 2 ** 20;
/** Tokens of a chunk, as the loggers have it. */
const CHUNK_TOKENS = 128;
const ROW_CHUNK = 1000;

/** Vectors of one segment of an entry: `[layers, vectors, hidden]` of the store's type, for `StoreShape.layers`. */
export interface SegmentVectors {
  readonly bytes: Uint8Array;
  readonly vectors: number;
}

export interface StoreEntryData {
  readonly key: string;
  readonly prompt: SegmentVectors | undefined;
  readonly response: SegmentVectors | undefined;
  readonly tokenIds: readonly number[];
  readonly logProbabilities: readonly number[];
  readonly top: readonly (readonly { readonly token: number; readonly logProbability: number }[])[];
  /** What the index tells of the entry beside what the arrays have. */
  readonly record: JsonObject;
}

/** The extents of all arrays. */
export interface StoreShape {
  readonly rows: number;
  /** Layers that were captured, in the order of the vectors. */
  readonly layers: readonly number[];
  /** Blocks + 1. */
  readonly layerCount: number;
  readonly hidden: number;
  readonly dtype: 'float16' | 'float32';
  readonly promptVectors: number;
  readonly responseVectors: number;
  /** Tokens of the longest response, and alternatives told for each. */
  readonly tokens: number;
  readonly topK: number;
}

/**
 * Writes an activation store in the Zarr layout of the HalluLens loggers ("zarr-v1"), entries in order, with bounded memory.
 * Layers that were not captured have no chunks, or zeros where a chunk holds several layers; `layers` of an index record
 * says which are real.
 */
export async function writeZarrStore(
  store: ObjectStore,
  root: string,
  shape: StoreShape,
  entries: AsyncIterable<StoreEntryData>,
  signal: AbortSignal,
): Promise<void> {
  const { rows, layers, layerCount, hidden, dtype, topK } = shape;
  const promptMax = Math.max(1, shape.promptVectors);
  const responseMax = Math.max(1, shape.responseVectors);
  const tokens = Math.max(1, shape.tokens);
  const promptChunks = activationChunks(shape, promptMax);
  const responseChunks = activationChunks(shape, responseMax);
  const rowChunk = Math.min(rows, ROW_CHUNK);
  await putJson(store, `${root}/.zgroup`, { zarr_format: 2 }, signal);
  await putJson(store, `${root}/arrays/.zgroup`, { zarr_format: 2 }, signal);
  const array = (
    name: string,
    type: Parameters<typeof ArrayWriter.create>[2],
    tail: number[],
    chunk?: number[],
  ) =>
    ArrayWriter.create(
      store,
      `${root}/arrays/${name}`,
      type,
      { shape: [rows, ...tail], chunks: chunk ?? [rowChunk, ...tail] },
      signal,
    );
  const arrays = {
    prompt: await array('prompt_activations', dtype, [layerCount, promptMax, hidden], promptChunks),
    response: await array('response_activations', dtype, [layerCount, responseMax, hidden], responseChunks),
    promptLength: await array('prompt_len', 'length', []),
    responseLength: await array('response_len', 'length', []),
    ids: await array('response_token_ids', 'token', [tokens]),
    logprobs: await array('response_token_logprobs', 'logprob', [tokens]),
    ...(topK > 0 && {
      topIds: await array('response_topk_token_ids', 'token', [tokens, topK]),
      topLogprobs: await array('response_topk_logprobs', 'logprob', [tokens, topK]),
    }),
  };
  const keys: string[] = [];
  async function* index(): AsyncGenerator<Uint8Array> {
    for await (const entry of entries) {
      const { tokenIds, logProbabilities, top } = entry;
      await arrays.prompt.row(vectorRuns(entry.prompt, layers, hidden, dtype));
      await arrays.response.row(vectorRuns(entry.response, layers, hidden, dtype));
      await arrays.promptLength.row([{ at: [], bytes: int32([entry.prompt?.vectors ?? 0]) }]);
      await arrays.responseLength.row([{ at: [], bytes: int32([entry.response?.vectors ?? 0]) }]);
      await arrays.ids.row([{ at: [0], bytes: int32(tokenIds) }]);
      await arrays.logprobs.row([{ at: [0], bytes: float32(logProbabilities) }]);
      await arrays.topIds?.row(
        top.map((all, t) => ({ at: [t, 0], bytes: int32(all.map(({ token }) => token)) })),
      );
      await arrays.topLogprobs?.row(
        top.map((all, t) => ({ at: [t, 0], bytes: float32(all.map((one) => one.logProbability)) })),
      );
      const record = {
        ...entry.record,
        layers: [...layers],
        key: entry.key,
        sample_index: keys.length,
        prompt_len: entry.prompt?.vectors ?? 0,
        response_len: entry.response?.vectors ?? 0,
        has_activations: true,
        has_response_logprobs: logProbabilities.length > 0,
        response_logprobs_len: logProbabilities.length,
        ...(topK > 0 && { response_logprobs_top_k: topK }),
      };
      keys.push(entry.key);
      yield Buffer.from(`${jsonText(record)}\n`);
    }
  }
  await store.upload(`${root}/meta/index.jsonl`, index(), { signal });
  for (const writer of Object.values(arrays)) await writer?.end();
  await writeTexts(store, `${root}/arrays/sample_key`, keys, signal);
  await putJson(
    store,
    `${root}/.zattrs`,
    {
      activation_chunk_shape: responseChunks,
      dtype,
      hidden_size: hidden,
      num_layers: layerCount,
      prompt_chunk_tokens: promptChunks[2],
      prompt_max_tokens: promptMax,
      response_chunk_tokens: responseChunks[2],
      response_logprobs_top_k: topK,
      response_max_tokens: responseMax,
      schema_version: 'zarr-v1',
    },
    signal,
  );
}

/** Chunks of a few megabytes: as many tokens as the loggers take, then layers, then rows. */
function activationChunks(
  { rows, layerCount, hidden, dtype }: StoreShape,
  segment: number,
): [number, number, number, number] {
  const width = hidden * (dtype === 'float16' ? 2 : 4);
  const tokens = Math.min(segment, CHUNK_TOKENS);
  const layers = Math.max(1, Math.min(layerCount, Math.floor(CHUNK_BYTES / (tokens * width))));
  const room = layers < layerCount ? 1 : Math.floor(CHUNK_BYTES / (layers * tokens * width));
  return [Math.max(1, Math.min(rows, room, ROW_CHUNK)), layers, tokens, hidden];
}

function* vectorRuns(
  segment: SegmentVectors | undefined,
  layers: readonly number[],
  hidden: number,
  dtype: StoreShape['dtype'],
) {
  if (segment === undefined) return;
  const width = hidden * (dtype === 'float16' ? 2 : 4);
  for (const [i, layer] of layers.entries()) {
    for (let token = 0; token < segment.vectors; token++) {
      const start = (i * segment.vectors + token) * width;
      yield { at: [layer, token, 0], bytes: segment.bytes.subarray(start, start + width) };
    }
  }
}

function int32(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeInt32LE(value, i * 4);
  return bytes;
}

function float32(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes;
}
