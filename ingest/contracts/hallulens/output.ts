import { z } from 'zod';
import { wholeNumber } from '../scalars.ts';

/** One line of `generation.jsonl`: the task's own columns and `generation`. */
export const outputGenerationSchema = z.looseObject({ prompt: z.string(), generation: z.string() });

const flags = z.array(z.union([z.boolean(), z.literal(0), z.literal(1)]));
const rate = z.union([z.number(), z.nan(), z.bigint()]).nullish();

/** Shapes A, B and E and `eval_results_for_training.json`: positional arrays, with or without aggregates. */
export const evalArraysSchema = z.looseObject({
  halu_test_res: flags,
  abstantion: flags.nullish(),
  prompt: z.array(z.unknown()).nullish(),
  generation: z.array(z.unknown()).nullish(),
});

/** Shape C (natural_questions): aggregates only. */
export const evalAggregatesSchema = z.looseObject({
  halu_Rate: rate,
  correct_rate: rate,
  total_count: wholeNumber,
});

/** Shape D (nonsense tasks): true means that the model refused. */
export const evalRefusalsSchema = z.looseObject({
  false_acceptance_rate: rate,
  refusal_rate: rate,
  refusal_eval_raw: flags,
});

/** One line of `raw_eval_res.jsonl` of the string-matching tasks. */
export const rawMatchSchema = z.looseObject({
  generation: z.unknown(),
  is_hallucination: z.boolean(),
  is_abstaining: z.boolean().nullish(),
});

/** One line of the judge's raw replies (`raw_eval_res`, `abstain_eval_raw`, `halu_eval_raw`). */
export const rawJudgeSchema = z.looseObject({ eval_res: z.string() });
