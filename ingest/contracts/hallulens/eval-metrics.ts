import { z } from 'zod';
import { finiteNumber, nonEmptyString, wholeNumber } from '../scalars.ts';

/** `eval_metrics.json` of a contract run: self-contained, so that aggregation needs no other file. */
export const evalMetricsSchema = z.looseObject({
  benchmark: nonEmptyString,
  split: nonEmptyString,
  method: nonEmptyString,
  model_id: nonEmptyString,
  seed: wholeNumber,
  n_examples: wholeNumber,
  /** Null where it is undefined: all labels are the same. */
  auroc: finiteNumber.nullable(),
  auprc: finiteNumber.nullish(),
  accuracy: finiteNumber.nullish(),
  f1: finiteNumber.nullish(),
  ece: finiteNumber.nullish(),
});

export type EvalMetrics = z.infer<typeof evalMetricsSchema>;
