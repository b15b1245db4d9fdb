import { z } from 'zod';
import { wholeNumber } from '../scalars.ts';
import { index } from './scalars.ts';

const meta = z.looseObject({}).nullish();

const pair = z.looseObject({ input: z.string(), output: z.string() });

/** A trial of `sampled_trials.json`: a query, its demonstrations, and the prompts made of them. */
export const sampledTrialSchema = z.looseObject({
  trial_idx: index,
  q_id: z.string().nullish(),
  clean_prompt_str: z.string().nullish(),
  corrupted_prompt_str: z.string(),
  target_str: z.string(),
  target_first_token_id: wholeNumber,
  query: pair.nullish(),
});

/** `sampled_trials.json` around its trials. */
export const sampledTrialsSchema = z.looseObject({ meta, trials: z.array(z.unknown()) });

/** A trial of `sampled_trials_zeroshot.json`. Its prompt is named as in the other file and has no demonstrations. */
export const zeroShotTrialSchema = z.looseObject({
  trial_idx: index,
  q_id: z.string().nullish(),
  corrupted_prompt_str: z.string(),
  target_str: z.string(),
  target_first_token_id: wholeNumber,
  query: pair.nullish(),
});
