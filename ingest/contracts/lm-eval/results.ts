import { z } from 'zod';
import { finiteNumber } from '../scalars.ts';

const json = z.unknown();

/** One entry of `metric_list`; `aggregation` is a name, or the source text of a function. */
const metricConfigSchema = z.looseObject({
  metric: json,
  aggregation: json.optional(),
});

/** Configuration of a task as the harness dumps it. */
export const taskConfigSchema = z.looseObject({
  output_type: z.string().nullish(),
  test_split: z.string().nullish(),
  validation_split: z.string().nullish(),
  num_fewshot: json.optional(),
  metric_list: z.array(metricConfigSchema).nullish(),
  filter_list: z.array(z.looseObject({ name: z.string() })).nullish(),
});

export type TaskConfig = z.infer<typeof taskConfigSchema>;

/** How the model was run. Seeds: since 0.4.3. */
export const evaluationConfigSchema = z.looseObject({
  model: z.string().nullish(),
  model_args: z.union([z.string(), z.looseObject({})]).nullish(),
  limit: finiteNumber.nullish(),
  random_seed: finiteNumber.nullish(),
  numpy_seed: finiteNumber.nullish(),
  torch_seed: finiteNumber.nullish(),
  fewshot_seed: finiteNumber.nullish(),
});

/**
 * `results_<time>.json` of lm-evaluation-harness, every version from 0.3. Values by task; `results` has an entry for
 * every task and group with the members `<metric>,<filter>` and `<metric>_stderr,<filter>` (0.3: no filter).
 */
export const resultsSchema = z.looseObject({
  results: z.record(z.string(), z.looseObject({})),
  versions: z.looseObject({}),
  config: evaluationConfigSchema,
  configs: z.record(z.string(), taskConfigSchema).optional(),
  group_subtasks: z.record(z.string(), z.array(z.string())).optional(),
  'n-shot': z.record(z.string(), z.union([finiteNumber, z.string()])).optional(),
  'n-samples': z
    .record(z.string(), z.looseObject({ original: finiteNumber, effective: finiteNumber }))
    .optional(),
  task_hashes: z.record(z.string(), z.string()).optional(),
  git_hash: z.string().nullish(),
  date: finiteNumber.nullish(),
  model_name: z.string().nullish(),
  model_name_sanitized: z.string().nullish(),
  chat_template: z.string().nullish(),
});

export type Results = z.infer<typeof resultsSchema>;
