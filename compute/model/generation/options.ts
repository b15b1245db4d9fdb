import { join } from 'node:path';
import { z } from 'zod';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { readJsonFile } from '../checkpoint/json-file.ts';
import type { ModelInfo } from '../engine/model.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerationOptions, ResolvedOptions } from './generation.ts';

const tokenIds = z.union([z.int().transform((id) => [id]), z.array(z.int())]).nullish();

/** The part of generation_config.json that is applied here. */
const generationConfigSchema = z.looseObject({
  do_sample: z.boolean().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  top_k: z.int().nullish(),
  max_new_tokens: z.int().nullish(),
  eos_token_id: tokenIds,
});
type GenerationConfig = z.infer<typeof generationConfigSchema>;

/** Settings of transformers that change texts and are not applied here, with the values at which they do nothing. */
const notApplied: Readonly<Record<string, readonly unknown[]>> = {
  repetition_penalty: [1],
  encoder_repetition_penalty: [1],
  no_repeat_ngram_size: [0],
  min_p: [0],
  typical_p: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  top_h: [],
  num_beams: [1],
  penalty_alpha: [],
  guidance_scale: [1],
  min_length: [0],
  min_new_tokens: [0],
  bad_words_ids: [],
  force_words_ids: [],
  sequence_bias: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
};

/** transformers' own default. */
const MAX_NEW_TOKENS = 20;

const resolvedSchema = z.object({
  temperature: z.number().min(0).max(1e6),
  topP: z.number().gt(0).max(1),
  topK: z.int().min(0),
  seed: z.int(),
  n: z.int().min(1),
  maxNewTokens: z.int().min(1),
  stop: z.array(z.string().min(1)),
  topLogProbabilities: z.int().min(0),
});

/** How much is done at once. */
export interface Load {
  readonly maxRows: number;
  readonly memoryBytes: number;
}

const loadSchema = z.object({ maxRows: z.int().min(1), memoryBytes: z.number().positive() });

/** @throws InvalidArgumentError */
export function resolveLoad({ maxRows = 8, memoryBytes = 2 ** 30 }: GenerationOptions): Load {
  return checked(loadSchema, { maxRows, memoryBytes });
}

/**
 * Fills in what is left to the checkpoint.
 * @throws InvalidArgumentError an option without meaning; CheckpointError a damaged generation_config.json
 */
export async function resolveOptions(
  options: GenerationOptions,
  checkpoint: Checkpoint,
  model: ModelInfo,
  tokenizer: Tokenizer,
): Promise<ResolvedOptions> {
  const file = join(checkpoint.directory, 'generation_config.json');
  const config: GenerationConfig = (await readJsonFile(file, generationConfigSchema)) ?? {};
  const own = tokenIds.safeParse(checkpoint.config['eos_token_id']).data;
  const eos = options.eosTokens ?? config.eos_token_id ?? own;
  const values = {
    temperature: options.temperature ?? (config.do_sample === true ? (config.temperature ?? 1) : 0),
    topP: options.topP ?? config.top_p ?? 1,
    topK: options.topK ?? config.top_k ?? 0,
    seed: options.seed ?? 0,
    n: options.n ?? 1,
    maxNewTokens: options.maxNewTokens ?? config.max_new_tokens ?? MAX_NEW_TOKENS,
    stop: options.stop ?? [],
    topLogProbabilities: Math.min(options.topLogProbabilities ?? 0, model.vocabulary),
  };
  return {
    ...checked(resolvedSchema, values),
    eosTokens: eos ?? (tokenizer.eosToken === undefined ? [] : [tokenizer.eosToken]),
    capture: resolveCapture(options, model),
    ignored: Object.entries(notApplied)
      .filter(([name, neutral]) => ![undefined, null, ...neutral].includes(config[name] as never))
      .map(([name]) => name),
  };
}

function resolveCapture({ capture }: GenerationOptions, model: ModelInfo): ResolvedOptions['capture'] {
  if (capture === undefined) return undefined;
  const every = Array.from({ length: model.layers + 1 }, (_, layer) => layer);
  const layers = capture.layers === 'all' ? every : capture.layers;
  const strange = layers.find((layer, i) => !every.includes(layer) || layers.indexOf(layer) !== i);
  if (strange !== undefined || layers.length === 0) {
    throw new InvalidArgumentError(
      strange === undefined ? 'no layers to capture' : `there is no layer ${strange}, or it is named twice`,
      { expected: `some of 0 to ${model.layers}` },
    );
  }
  const { lastLayer = 'normed', prompt, response } = capture;
  return { layers, lastLayer, prompt, response };
}

function checked<T>(schema: z.ZodType<T>, values: T): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`generation options: ${z.prettifyError(parsed.error)}`);
}
