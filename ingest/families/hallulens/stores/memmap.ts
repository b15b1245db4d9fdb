import { type Floats, joinFloats } from '../../../../lake/parquet/floats/floats.ts';
import type {
  LayerValues,
  ReadContext,
  SiteVectors,
  StoreEntry,
  StoreEntryInfo,
  StoreReader,
  StoreRef,
  TokenRecord,
} from '../../../family.ts';
import { type ByteSource, storeSource } from '../../../formats/bytes/byte-source.ts';
import { FormatError } from '../../../formats/errors.ts';
import { Tensor } from '../../../formats/tensor/tensor.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import {
  cutSequence,
  guarded,
  noteDamage,
  report,
  type SequenceCut,
  SITE,
  storeName,
  storeProblems,
} from './entry.ts';
import { joinKey } from './locate.ts';
import { type Capture, type CommittedSample, openCapture } from './memmap-layout.ts';

type ArrayType = 'float16' | 'float32' | 'int32';
const WIDTH = { float16: 2, float32: 4, int32: 4 } as const;

/** A header-less array whose first axis is the sample. */
interface RawArray {
  readonly source: ByteSource;
  readonly type: ArrayType;
  /** Elements of one sample. */
  readonly stride: number;
}

/** Reads a memmap capture (formats: section 6.1) by ranges: a layer of a sample at a time. */
export async function openMemmapStore(ref: StoreRef, context: ReadContext): Promise<StoreReader> {
  const problems = storeProblems();
  const name = storeName(ref.root);
  const capture = await openCapture(ref.root, context);
  for (const issue of capture.issues) report(problems, issue);
  const order = [...capture.samples.keys()].sort((a, b) => a - b);

  return {
    format: 'memmap',
    issues: problems.issues,
    damaged: problems.damaged,
    async *keys() {
      for (const index of order) yield capture.samples.get(index)!.key;
    },
    async *infos() {
      for (const index of order) yield infoOf(capture, capture.samples.get(index)!);
    },
    async *entries(selection, signal) {
      const arrays = await openArrays(ref.root, capture, context, (file, message) =>
        report(problems, { severity: 'warning', code: 'ACTIVATION_STORE_DAMAGED', file, message }),
      );
      try {
        for (const index of order) {
          const sample = capture.samples.get(index)!;
          let entry: StoreEntry;
          try {
            entry = await toEntry(capture, sample, index, arrays, selection.sequence, signal);
          } catch (error) {
            noteDamage(problems, name, sample.key, error);
            continue;
          }
          yield guarded(problems, name, entry);
        }
      } finally {
        await Promise.all(Object.values(arrays).map((array) => array?.source.close()));
      }
    },
  };
}

interface Arrays {
  readonly prompt: RawArray | undefined;
  readonly response: RawArray | undefined;
  readonly attention: RawArray | undefined;
  readonly promptIds: RawArray | undefined;
  readonly responseIds: RawArray | undefined;
  readonly logprobs: RawArray | undefined;
  readonly topIds: RawArray | undefined;
  readonly topLogprobs: RawArray | undefined;
}

async function openArrays(
  root: string,
  { config }: Capture,
  context: ReadContext,
  complain: (file: string, message: string) => void,
): Promise<Arrays> {
  const { n_samples: n, max_prompt_len: p, max_response_len: r, hidden_dim: h } = config;
  const layers = config.num_layers + 1;
  const topK = config.response_logprobs_top_k ?? 0;
  const side = config.r_max ?? r;
  const open = async (file: string, type: ArrayType, stride: number): Promise<RawArray | undefined> => {
    const options = context.signal === undefined ? {} : { signal: context.signal };
    const object = await context.tree.store.head(joinKey(root, file), options);
    if (object === undefined || stride === 0) return undefined;
    const expected = n * stride * WIDTH[type];
    if (object.size !== expected) complain(file, `${object.size} bytes; the configuration gives ${expected}`);
    return { source: storeSource(context.tree.store, object.key, object.size), type, stride };
  };
  return {
    prompt: await open('prompt_activations.npy', 'float16', layers * p * h),
    response: await open('response_activations.npy', 'float16', layers * r * h),
    attention: await open('response_attention.npy', 'float16', config.num_layers * side * side),
    promptIds: await open('prompt_token_ids.npy', 'int32', p),
    responseIds: await open('response_token_ids.npy', 'int32', r),
    logprobs: await open('response_token_logprobs.npy', 'float32', r),
    topIds: await open('response_topk_token_ids.npy', 'int32', r * topK),
    topLogprobs: await open('response_topk_logprobs.npy', 'float32', r * topK),
  };
}

function infoOf({ config }: Capture, { key, meta, icrScores }: CommittedSample): StoreEntryInfo {
  return {
    key,
    exampleId: key,
    modelId: config.model_name,
    prompt: null,
    response: null,
    hasActivations: true,
    meta: jsonText({
      sample_index: meta.sample_index,
      prompt_hash: meta.prompt_hash ?? null,
      prompt_len: meta.prompt_len,
      response_len: meta.response_len,
      ...(icrScores === undefined ? {} : { icr_scores: [...icrScores] }),
    }),
  };
}

/** `count` elements from `start` within a sample's part of an array. */
async function read(
  array: RawArray,
  sample: number,
  start: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const width = WIDTH[array.type];
  const from = (sample * array.stride + start) * width;
  const bytes = await array.source.read(from, from + count * width, signal);
  return new Tensor({ dtype: array.type, shape: [count], data: bytes });
}

async function toEntry(
  capture: Capture,
  sample: CommittedSample,
  index: number,
  arrays: Arrays,
  selection: Parameters<typeof cutSequence>[2],
  signal: AbortSignal | undefined,
): Promise<StoreEntry> {
  const { config } = capture;
  const layers = config.num_layers + 1;
  const promptLength =
    arrays.prompt === undefined ? 0 : Math.min(sample.meta.prompt_len, config.max_prompt_len);
  const responseLength =
    arrays.response === undefined ? 0 : Math.min(sample.meta.response_len, config.max_response_len);
  const cut = cutSequence(promptLength + responseLength, promptLength, selection);
  // The last layer's range is asked for now, so that a file cut short damages the entry as a whole.
  for (const [array, max, length] of [
    [arrays.prompt, config.max_prompt_len, promptLength],
    [arrays.response, config.max_response_len, responseLength],
  ] as const) {
    if (array === undefined || length === 0) continue;
    const end = index * array.stride + ((layers - 1) * max + length) * config.hidden_dim;
    if (end * WIDTH[array.type] > array.source.size) {
      throw new FormatError('TRUNCATED', `${array.source.name} ends before sample ${index}`);
    }
  }
  return {
    ...infoOf(capture, sample),
    site: SITE,
    layerCount: layers,
    promptTokens: cut.promptTokens,
    firstToken: cut.start,
    tokenRecords: await tokenRecords(capture, sample, index, arrays, signal),
    otherSites:
      selection === 'prompt' || arrays.attention === undefined
        ? []
        : [attentionPattern(capture, sample, index, promptLength, arrays.attention, signal)],
    layer: (layer, layerSignal) =>
      layerOf(capture, index, arrays, promptLength, cut, layer, layerSignal ?? signal),
  };
}

async function layerOf(
  { config }: Capture,
  sample: number,
  arrays: Arrays,
  promptLength: number,
  cut: SequenceCut,
  layer: number,
  signal: AbortSignal | undefined,
): Promise<LayerValues | undefined> {
  const { hidden_dim: dim, max_prompt_len: maxPrompt, max_response_len: maxResponse } = config;
  const tokens = cut.end - cut.start;
  if (layer > config.num_layers || tokens === 0) return undefined;
  const parts: Floats[] = [];
  const promptEnd = Math.min(cut.end, promptLength);
  if (arrays.prompt !== undefined && promptEnd > cut.start) {
    const start = (layer * maxPrompt + cut.start) * dim;
    parts.push((await read(arrays.prompt, sample, start, (promptEnd - cut.start) * dim, signal)).toFloats());
  }
  const responseStart = Math.max(cut.start, promptLength);
  if (arrays.response !== undefined && cut.end > responseStart) {
    const start = (layer * maxResponse + responseStart - promptLength) * dim;
    const count = (cut.end - responseStart) * dim;
    parts.push((await read(arrays.response, sample, start, count, signal)).toFloats());
  }
  return { values: joinFloats(parts), tokens, dim, dtype: 'float16' };
}

/**
 * Attention of every response token to the response tokens, mean over heads: a row a query token, `r_max` weights
 * a row. Array row b belongs to block b, whose output is layer b + 1.
 */
function attentionPattern(
  { config }: Capture,
  { meta }: CommittedSample,
  sample: number,
  promptLength: number,
  array: RawArray,
  signal: AbortSignal | undefined,
): SiteVectors {
  const side = config.r_max ?? config.max_response_len;
  const tokens = Math.min(meta.response_len, side);
  return {
    site: 'attn_pattern',
    layerCount: config.num_layers + 1,
    promptTokens: 0,
    firstToken: promptLength,
    async layer(layer, layerSignal) {
      if (layer < 1 || layer > config.num_layers || tokens === 0) return undefined;
      const start = (layer - 1) * side * side;
      const values = await read(array, sample, start, tokens * side, layerSignal ?? signal);
      return { values: values.toFloats(), tokens, dim: side, dtype: 'float16' };
    },
  };
}

async function tokenRecords(
  { config }: Capture,
  { meta }: CommittedSample,
  sample: number,
  arrays: Arrays,
  signal: AbortSignal | undefined,
): Promise<TokenRecord[]> {
  const records: TokenRecord[] = [];
  const numbers = async (array: RawArray, count: number) =>
    (await read(array, sample, 0, count, signal)).toFloat64();
  const promptLength = Math.min(meta.prompt_len, config.max_prompt_len);
  const responseLength = Math.min(meta.response_len, config.max_response_len);
  if (arrays.promptIds !== undefined) {
    records.push({ segment: 'prompt', ids: await numbers(arrays.promptIds, promptLength) });
  }
  if (arrays.responseIds !== undefined) {
    const topK = config.response_logprobs_top_k ?? 0;
    const { logprobs, topIds, topLogprobs } = arrays;
    records.push({
      segment: 'response',
      ids: await numbers(arrays.responseIds, responseLength),
      ...(logprobs === undefined ? {} : { logprobs: await numbers(logprobs, responseLength) }),
      ...(topIds === undefined ? {} : { topK, topIds: await numbers(topIds, responseLength * topK) }),
      ...(topLogprobs === undefined
        ? {}
        : { topLogprobs: await numbers(topLogprobs, responseLength * topK) }),
    });
  }
  return records;
}
