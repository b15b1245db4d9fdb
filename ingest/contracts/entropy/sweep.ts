import { z } from 'zod';
import { curvatureSchema } from './diagnostics.ts';
import { count, finite, learningRate } from './numbers.ts';

const rowSchema = z.looseObject({
  eta: learningRate,
  deltaH_true: finite,
  deltaH_approx: finite,
  deltaH_approx_linear: finite,
  deltaH_approx_linquad: finite,
});
export type SweepRow = z.infer<typeof rowSchema>;

/** `results.json` of a comparison across learning rates. */
export const sweepSchema = z.looseObject({
  sweep: z.array(rowSchema),
  B_E: count,
  B_U: count,
  G_U: count,
  curvature: curvatureSchema,
});
export type Sweep = z.infer<typeof sweepSchema>;
