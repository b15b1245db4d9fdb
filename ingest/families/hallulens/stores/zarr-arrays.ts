import {
  type CallOptions,
  ObjectNotFoundError,
  type ObjectStore,
} from '../../../../lake/store/object-store.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import type { TokenRecord } from '../../../family.ts';
import { FormatError } from '../../../formats/errors.ts';
import { openArray, type ZarrArray } from '../../../formats/zarr/array.ts';
import { joinKey } from './locate.ts';

/** The arrays of a store, and what their shapes say. */
export interface ZarrArrays {
  /** Allocated rows; how many were written is the index's to say. */
  readonly rows: number;
  /** Stored layers, blocks + 1. */
  readonly layers: number;
  readonly hidden: number;
  readonly prompt: ZarrArray | undefined;
  readonly response: ZarrArray | undefined;
  /** Stored (clipped) tokens of a row. */
  lengths(row: number): Promise<{ readonly prompt: number; readonly response: number }>;
  /** Keys of all rows; empty where none was written. */
  sampleKeys(): Promise<string[]>;
  readonly tokenIds: RowReader | undefined;
  readonly logprobs: RowReader | undefined;
  readonly topIds: RowReader | undefined;
  readonly topLogprobs: RowReader | undefined;
}

/** Values of one row. */
export type RowReader = (row: number, signal?: AbortSignal) => Promise<Float64Array>;

async function optionalArray(
  store: ObjectStore,
  root: string,
  name: string,
  options: CallOptions,
): Promise<ZarrArray | undefined> {
  try {
    return await openArray(store, joinKey(root, 'arrays', name), options);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}

const BLOCK_BYTES = 1 << 20;
const MAX_LAYERS = 10_000;
const MAX_HIDDEN = 1 << 22;

/** Reads rows through blocks: entries mostly follow each other, and a chunk of these arrays has many rows. */
function rowReader(array: ZarrArray): RowReader {
  const width = array.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const rows = array.shape[0] ?? 0;
  const step = Math.max(1, Math.min(256, Math.floor(BLOCK_BYTES / (8 * Math.max(1, width)))));
  let first = -1;
  let block: Float64Array = new Float64Array(0);
  return async (row, signal) => {
    const start = row - (row % step);
    if (start !== first) {
      const ranges = [{ start, end: Math.min(rows, start + step) }];
      block = (await array.readRegion(ranges, signal === undefined ? {} : { signal })).toFloat64();
      first = start;
    }
    return block.slice((row - start) * width, (row - start + 1) * width);
  };
}

/** Opens the arrays of a store. @throws FormatError when neither activation array is usable */
export async function openZarrArrays(
  store: ObjectStore,
  root: string,
  options: CallOptions,
): Promise<ZarrArrays> {
  const open = (name: string) => optionalArray(store, root, name, options);
  const prompt = await open('prompt_activations');
  const response = await open('response_activations');
  const main = response ?? prompt;
  if (main === undefined) throw new FormatError('ZARR_CORRUPT', 'the store has no activation array');
  for (const array of [prompt, response]) {
    if (array !== undefined && (array.shape.length !== 4 || array.dtype === undefined)) {
      throw new FormatError('UNSUPPORTED', `activations of shape (${array.shape.join(', ')})`, {
        expected: 'numbers of shape (samples, layers, tokens, hidden)',
      });
    }
  }
  const [rows = 0, layers = 0, , hidden = 0] = main.shape;
  // Missing chunks read as zeros, so absurd shapes would not fail but never end.
  if (layers > MAX_LAYERS || hidden > MAX_HIDDEN) {
    throw new FormatError('LIMIT', `activations of ${layers} layers of ${hidden} values`, {
      expected: `at most ${MAX_LAYERS} layers of ${MAX_HIDDEN} values`,
    });
  }
  for (const array of [prompt, response]) {
    const [r, l, , h] = array?.shape ?? main.shape;
    if (r !== rows || l !== layers || h !== hidden) {
      throw new FormatError(
        'ZARR_CORRUPT',
        'prompt and response activations differ in samples, layers or hidden size',
      );
    }
  }
  const reader = async (name: string): Promise<RowReader | undefined> => {
    const array = await open(name);
    if (array === undefined || array.dtype === undefined) return undefined;
    if ((array.shape[0] ?? 0) < rows) {
      throw new FormatError('ZARR_CORRUPT', `${name} has ${array.shape[0]} rows of ${rows}`);
    }
    return rowReader(array);
  };
  const promptLength = await reader('prompt_len');
  const responseLength = await reader('response_len');
  const clip = (length: number | undefined, array: ZarrArray | undefined): number =>
    Math.max(0, Math.min(length ?? 0, array?.shape[2] ?? 0));
  return {
    rows,
    layers,
    hidden,
    prompt,
    response,
    async lengths(row) {
      return {
        prompt: clip((await promptLength?.(row))?.[0], prompt),
        response: clip((await responseLength?.(row))?.[0], response),
      };
    },
    async sampleKeys() {
      const keys = await open('sample_key');
      return keys === undefined ? [] : keys.readStrings([]);
    },
    tokenIds: await reader('response_token_ids'),
    logprobs: await reader('response_token_logprobs'),
    topIds: await reader('response_topk_token_ids'),
    topLogprobs: await reader('response_topk_logprobs'),
  };
}

/** The recorded tokens of a row's response; none when no ids were stored. */
export async function zarrTokenRecords(
  arrays: ZarrArrays,
  row: number,
  record: JsonObject,
  signal: AbortSignal | undefined,
): Promise<TokenRecord[]> {
  const ids = await arrays.tokenIds?.(row, signal);
  if (ids === undefined) return [];
  const stated = record['response_logprobs_len'];
  let count = 0;
  while (count < ids.length && ids[count]! >= 0) count++;
  if (typeof stated === 'number' && stated > 0 && stated <= ids.length) count = stated;
  if (count === 0) return [];
  const logprobs = await arrays.logprobs?.(row, signal);
  const topIds = await arrays.topIds?.(row, signal);
  const topLogprobs = await arrays.topLogprobs?.(row, signal);
  const topK = topIds === undefined ? 0 : topIds.length / ids.length;
  return [
    {
      segment: 'response',
      ids: ids.subarray(0, count),
      ...(logprobs === undefined ? {} : { logprobs: logprobs.subarray(0, count) }),
      ...(topIds === undefined ? {} : { topK, topIds: topIds.subarray(0, count * topK) }),
      ...(topLogprobs === undefined ? {} : { topLogprobs: topLogprobs.subarray(0, count * topK) }),
    },
  ];
}
