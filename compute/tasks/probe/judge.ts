import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import {
  accuracy,
  auroc,
  averagePrecision,
  calibrationCurve,
  confusion,
  f1,
  rankScores,
} from '../../../ingest/stats/index.ts';
import {
  aurocTest,
  type BootstrapEstimate,
  type BootstrapOptions,
  bootstrap,
  pairedBootstrap,
  pairedDelong,
  weightedAveragePrecision,
} from '../../stats/index.ts';

/** Scores of the tested rows and what they are judged by. */
export interface Judged {
  readonly labels: Uint8Array;
  readonly groups: Int32Array;
}

export interface JudgeOptions {
  /** 0: no intervals. */
  readonly resamples: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Numbers by their names in `eval_metrics.json`; null where they are undefined. */
export type Numbers = JsonObject;

/** AUROC and average precision of scores with their intervals, and DeLong's test against chance. */
export async function rankingMetrics(
  scores: Float64Array,
  judged: Judged,
  options: JudgeOptions,
): Promise<Numbers> {
  const { labels } = judged;
  const ranked = rankScores(scores, labels);
  const test = aurocTest(scores, labels);
  const settings = bootstrapOptions(judged, options);
  const precision = { ...settings, metric: weightedAveragePrecision };
  return {
    auroc: defined(auroc(ranked)),
    ...interval('auroc', await bootstrap(scores, labels, settings)),
    auprc: defined(averagePrecision(ranked)),
    ...interval('auprc', await bootstrap(scores, labels, precision)),
    auroc_se_delong: defined(test.standardError),
    p_chance: defined(test.pValue),
  };
}

/** By how much the probe's AUROC exceeds that of a control on the same rows. */
export async function advantageOver(
  probe: Float64Array,
  control: Float64Array,
  judged: Judged,
  options: JudgeOptions,
): Promise<Numbers> {
  const { labels } = judged;
  const { difference, pValue } = pairedDelong(probe, control, labels);
  const resampled = await pairedBootstrap(probe, control, labels, bootstrapOptions(judged, options));
  return {
    advantage: defined(difference),
    ...interval('advantage', resampled),
    p_advantage: defined(pValue),
  };
}

/** What is to be said of probabilities: thresholded at one half, and by bins. */
export function probabilityMetrics(probabilities: Float64Array, { labels }: Judged) {
  const counts = confusion(
    probabilities.map((p) => (p >= 0.5 ? 1 : 0)),
    labels,
  );
  return {
    threshold: 0.5,
    accuracy: accuracy(counts),
    f1: f1(counts),
    calibration_curve: calibrationCurve(probabilities, labels).map(
      ({ low, high, count, meanScore, meanLabel }) => ({
        low,
        high,
        count,
        mean_score: defined(meanScore),
        mean_label: defined(meanLabel),
      }),
    ),
  };
}

function bootstrapOptions({ groups }: Judged, options: JudgeOptions): BootstrapOptions {
  // Several responses to one prompt are not independent.
  const repeated = new Set(groups).size < groups.length;
  return { ...options, ...(repeated && { clusters: groups }) };
}

function interval(name: string, { low, high, resamples }: BootstrapEstimate): Numbers {
  return resamples === 0 ? {} : { [`${name}_ci95`]: [defined(low), defined(high)] };
}

/** NaN is no JSON. */
export function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
