import { z } from 'zod';
import { wholeNumber } from '../scalars.ts';

/** What the model was asked: `gen_args_0: {arg_0, arg_1}, …` since 0.4.3, `[[arg_0, arg_1], …]` before. */
const requestsSchema = z.union([
  z.record(z.string(), z.record(z.string(), z.unknown())),
  z.array(z.array(z.unknown())),
]);

/**
 * One line of `samples_<task>_<time>.jsonl`: what one filter made of the answers to one document. `filter` and
 * `metrics` exist since 0.4.8, hashes since 0.4.3; every metric is a member of its own.
 */
export const sampleSchema = z.looseObject({
  doc_id: z.union([wholeNumber, z.string().min(1)]),
  doc: z.unknown(),
  target: z.unknown(),
  arguments: requestsSchema,
  resps: z.array(z.unknown()),
  filtered_resps: z.unknown(),
  filter: z.string().optional(),
  metrics: z.array(z.string()).optional(),
  doc_hash: z.string().optional(),
  prompt_hash: z.string().optional(),
  target_hash: z.string().optional(),
});

/** Members of a sample that are no metrics. */
export const SAMPLE_KEYS: ReadonlySet<string> = new Set(Object.keys(sampleSchema.shape));
