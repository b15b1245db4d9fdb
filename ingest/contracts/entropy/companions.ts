import { z } from 'zod';

/** `plan.json`: what was asked for. Null lists mean "as configured". */
export const planSchema = z.looseObject({
  compute_true: z.boolean(),
  compute_linear: z.boolean(),
  compute_linquad: z.boolean(),
  run_control_variates: z.boolean(),
  capture_per_sequence: z.boolean(),
  eta_list: z.array(z.number()).nullable(),
  clip_overrides: z.array(z.number()).nullable(),
});
export type Plan = z.infer<typeof planSchema>;

const optionalObject = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape).nullish();

/** The parts of `config.yaml` that identify a run; everything else is kept as it is. */
export const configSchema = z.looseObject({
  checkpoint: optionalObject({ backbone: z.string().nullish() }),
  batch_config: optionalObject({ dataset_name: z.string().nullish(), E_split: z.string().nullish() }),
  true_delta_h: optionalObject({ report_per_token: z.boolean().nullish() }),
  approx_delta_h: optionalObject({ method: z.string().nullish(), normalize: z.string().nullish() }),
});
export type Config = z.infer<typeof configSchema>;
