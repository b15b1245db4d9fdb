import { z } from 'zod';

const count = z
  .int()
  .nonnegative()
  .max(2 ** 40);

/** `config.json` of a memmap capture: the shapes of its header-less arrays. */
export const captureConfigSchema = z.looseObject({
  model_name: z.string(),
  /** Blocks; the activation arrays have one layer more. */
  num_layers: count.max(100_000),
  hidden_dim: count.min(1).max(10_000_000),
  r_max: count.optional(),
  response_logprobs_top_k: count.max(1_000_000).optional(),
  max_prompt_len: count.max(100_000_000),
  max_response_len: count.max(100_000_000),
  storage_format: z.string().optional(),
  n_samples: count,
});

export type CaptureConfig = z.infer<typeof captureConfigSchema>;

/** One line of `meta.jsonl`, the commit log of a capture. */
export const captureMetaSchema = z.looseObject({
  sample_index: count,
  key: z.union([z.string(), z.int()]),
  prompt_hash: z.string().nullish(),
  prompt_len: count,
  response_len: count,
  hallucinated: z.union([z.boolean(), z.literal(0), z.literal(1)]).nullish(),
  wrote_at: z.string().nullish(),
});

export type CaptureMeta = z.infer<typeof captureMetaSchema>;
