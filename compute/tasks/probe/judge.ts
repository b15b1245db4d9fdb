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
}

/** Numbers by their names in `eval_metrics.json`; null where they are undefined. */
export type Numbers = JsonObject;

/** AUROC and average precision of scores with their intervals, and DeLong's test against chance. */
export function rankingMetrics(scores: Float64Array, judged: Judged, options: JudgeOptions): Numbers {
  const { labels } = judged;
  const ranked = rankScores(scores, labels);
  const test = aurocTest(scores, labels);
  return {
    auroc: defined(auroc(ranked)),
    ...interval('auroc', () => bootstrap(scores, labels, bootstrapOptions(judged, options)), options),
    auprc: defined(averagePrecision(ranked)),
    ...interval(
      'auprc',
      () =>
        bootstrap(scores, labels, { ...bootstrapOptions(judged, options), metric: weightedAveragePrecision }),
      options,
    ),
    auroc_se_delong: defined(test.standardError),
    p_chance: defined(test.pValue),
  };
}

/** By how much the probe's AUROC exceeds that of a control on the same rows. */
export function advantageOver(
  probe: Float64Array,
  control: Float64Array,
  judged: Judged,
  options: JudgeOptions,
): Numbers {
  const { difference, pValue } = pairedDelong(probe, control, judged.labels);
  return {
    advantage: defined(difference),
    ...interval(
      'advantage',
      () => pairedBootstrap(probe, control, judged.labels, bootstrapOptions(judged, options)),
      options,
    ),
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

function bootstrapOptions({ groups }: Judged, { resamples, seed }: JudgeOptions): BootstrapOptions {
  // Several responses to one prompt are not independent.
  const repeated = new Set(groups).size < groups.length;
  return { resamples, seed, ...(repeated && { clusters: groups }) };
}

function interval(
  name: string,
  compute: () => { readonly low: number; readonly high: number },
  { resamples }: JudgeOptions,
): Numbers {
  if (resamples === 0) return {};
  const { low, high } = compute();
  return { [`${name}_ci95`]: [defined(low), defined(high)] };
}

/** NaN is no JSON. */
export function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
