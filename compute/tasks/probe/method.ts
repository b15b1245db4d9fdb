import { z } from 'zod';
import type { Products } from './linear/products.ts';
import type { FeatureMatrix } from './matrix.ts';
import type { TrainingCheckpoint } from './network/checkpoint.ts';
import type { ProbeSpec } from './probe-spec.ts';
import type { Split } from './splits.ts';

const numbers = z.array(z.number());
const numbersOrNull = z.array(z.number().nullable());
const toldSchema = z.record(z.string(), z.number().nullable());

/** What is kept of the probes of some layers and one seed, so that a job that goes on elsewhere need not fit them again. */
export const fitSchema = z.object({
  /** Layers that it learnt from, ascending. */
  layers: z.array(z.int()).min(1),
  /** Those whose activations it scores, in the order in which it takes them. */
  takes: z.array(z.int()).min(1),
  seed: z.int(),
  /** AUROC that was reached on held-out training rows, by split; null when nothing was validated. */
  validation: numbersOrNull,
  /** Scores of the test rows of every split, in the order of the rows, by name. */
  scores: z.record(z.string(), z.array(numbers)),
  /** Numbers that describe the fit of the probe that is kept. */
  told: toldSchema,
  /** The block `training` of the run's `config.json`. */
  training: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), numbers, z.null()])),
  /** Lines of `train_metrics.jsonl`, of the probe that is kept. */
  log: z.array(toldSchema),
  finishedAt: z.string(),
  /** The direction of a linear probe: of raw activations. */
  direction: z.object({ weights: numbers, bias: z.number(), c: numbers, converged: z.boolean() }).optional(),
  /** Name, among what is kept of the job, of the ONNX file of a probe. */
  onnx: z.string(),
});

export type Fit = z.infer<typeof fitSchema>;

/** What the probes of a unit are fitted on and with. */
export interface FitInput {
  readonly spec: ProbeSpec;
  readonly seed: number;
  /** Of the layers that are asked for. */
  readonly features: ReadonlyMap<number, FeatureMatrix>;
  /** 1 for a hallucination. */
  readonly labels: Uint8Array;
  /** Prompt of every row. */
  readonly groups: Int32Array;
  /** The last layer that is in the lake. */
  readonly depth: number;
  /** The last one is that of the probe that is kept; its test rows may be none. */
  readonly splits: readonly Split[];
  /** Another probe has to be compared with this one on held-out rows. */
  readonly isCompared: boolean;
  readonly products: Products;
  readonly signal: AbortSignal;
  /** Share that is done. */
  readonly onProgress: (share: number) => void;
  /** Where a long training of that name is kept while it goes on. */
  readonly checkpoint: (name: string) => TrainingCheckpoint;
  /** Keeps the file of the probe. @returns what `Fit.onnx` is to be */
  readonly keep: (onnx: Uint8Array) => Promise<string>;
}

/** One kind of probe: which layers a probe takes, and how it is fitted. */
export interface ProbeMethod {
  /** Name of the score that a run reports. */
  readonly headline: string;
  /** Whether that score is the log odds of a hallucination; else it is only known to grow with its likelihood. */
  readonly isLogOdds: boolean;
  /**
   * Layers of every probe that is fitted; of several the one that is best on held-out training rows is reported.
   * @param wanted layers that the specification names, ascending
   * @param present layers that are in the lake, ascending
   */
  units(wanted: readonly number[] | undefined, present: readonly number[]): readonly number[][];
  fit(layers: readonly number[], input: FitInput): Promise<Fit>;
  /** AUROCs, on the true labels of the test rows, of probes that learnt shuffled labels. @param like the probe to imitate */
  shuffled(like: Fit, shuffles: number, input: FitInput): Promise<number[]>;
}
