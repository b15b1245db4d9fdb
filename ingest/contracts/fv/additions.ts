import { z } from 'zod';
import { INJECTION_SCORES, injectionTrialSchema } from './injection.ts';
import { index, measured, measuredMembers, modelIndex } from './scalars.ts';

/**
 * What is added to the residual stream. `function_vector`: the vector of the run. The others tell what of its effect is its own.
 * `random_vector`: normal random numbers of the same norm. `random_heads`: the vector of as many heads that were not chosen.
 * `other_query`: the vector of the same heads over the prompts of another relation query. `distributed`: no vector, but the mean
 * of each chosen head added where that head writes, at the out-projection of its own layer.
 */
export const VECTOR_KINDS = [
  'function_vector',
  'random_vector',
  'random_heads',
  'other_query',
  'distributed',
] as const;
export type VectorKind = (typeof VECTOR_KINDS)[number];

/**
 * Which examples a vector is evaluated on. `extraction`: the queries of the trials that it was made of, as the reference does.
 * `held_out`: rows of the relation query that no trial used, neither as query nor as demonstration.
 */
export const QUERY_SETS = ['extraction', 'held_out'] as const;
export type QuerySet = (typeof QUERY_SETS)[number];

/** What tells evaluations beyond the contract apart. */
const evaluated = {
  q_id: z.string().nullish(),
  query_set: z.enum(QUERY_SETS),
  vector_kind: z.enum(VECTOR_KINDS),
  /** Of a random vector or of random heads, from 0. */
  draw: index.nullish(),
  /** The relation query whose prompts gave the head means; null for a random vector. */
  source_q_id: z.string().nullish(),
  layer: modelIndex,
};

/** A line of `runlake/injections.jsonl`: what a vector does at one layer. */
export const additionSchema = z.looseObject({
  ...evaluated,
  n_eval: index.nullish(),
  requested_n_eval: index.nullish(),
  alpha: measured.nullish(),
  fv_norm: measured.nullish(),
  ...measuredMembers(INJECTION_SCORES),
});

/** A line of `runlake/injection_trials.jsonl`: a line of the contract's `eval_trials.jsonl` for a vector at a layer. */
export const additionTrialSchema = z.looseObject({ ...injectionTrialSchema.shape, ...evaluated });

/** A line of `runlake/head_attribution.jsonl`: the part of the target's logit that a head writes itself. */
export const headAttributionSchema = z.looseObject({
  q_id: z.string().nullish(),
  layer: modelIndex,
  head: modelIndex,
  /** Means over the trials, with corrupted and with clean prompts. */
  dla: measured.nullish(),
  dla_clean: measured.nullish(),
  /** The same trial by trial. */
  trials: z
    .looseObject({ corrupted: z.array(measured).nullish(), clean: z.array(measured).nullish() })
    .nullish(),
});
