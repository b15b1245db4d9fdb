import { z } from 'zod';
import { finiteNumber, nonEmptyString, wholeNumber } from '../scalars.ts';

/** `config.json` of a contract run: enough to repeat it. */
export const runConfigSchema = z.looseObject({
  benchmark: nonEmptyString,
  split: nonEmptyString,
  method: nonEmptyString,
  seed: wholeNumber,
  model: z.looseObject({ id: nonEmptyString, backend: z.string(), dtype: z.string().nullish() }),
  inference: z.looseObject({
    max_tokens: wholeNumber,
    temperature: finiteNumber,
    top_p: finiteNumber,
    n: wholeNumber,
  }),
  activation_logging: z.looseObject({
    enabled: z.boolean(),
    format: z.string(),
    path: z.string(),
    layers: z.union([z.string(), z.array(wholeNumber)], { error: 'expected a string or a list of integers' }),
    token_selector: z.string(),
  }),
  training: z
    .looseObject({
      epochs: wholeNumber,
      batch_size: wholeNumber,
      sub_batch_size: wholeNumber,
      lr: finiteNumber,
      temperature: finiteNumber.nullish(),
    })
    .optional(),
});

export type RunConfig = z.infer<typeof runConfigSchema>;
