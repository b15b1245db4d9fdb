import type { RunMetric } from './run-metric.ts';

/** What runs are judged by, the first that a run has. */
export const HEADLINES = [
  'auroc',
  'balanced_accuracy',
  'accuracy',
  'acc_norm',
  'acc',
  'exact_match',
  'mean_delta_p',
  'delta_h_per_lr',
] as const;

/** The number of a run that goes by the name of a metric: over the whole run rather than a part, on its own split, reported rather than recomputed. */
export function metricOf<M extends RunMetric>(
  metrics: readonly M[],
  name: string,
  split: string | null,
): M | undefined {
  const rank = (metric: RunMetric): number =>
    Number(metric.scope !== 'overall') * 4 +
    Number(metric.split !== null && split !== null && metric.split !== split) * 2 +
    Number(metric.source !== 'reported');
  return metrics
    .filter(({ metric, value }) => metric === name && value !== null)
    .reduce<M | undefined>(
      (best, one) => (best === undefined || rank(one) < rank(best) ? one : best),
      undefined,
    );
}

/** The number that a run is judged by. */
export function headlineOf<M extends RunMetric>(metrics: readonly M[], split: string | null): M | undefined {
  for (const name of HEADLINES) {
    const found = metricOf(metrics, name, split);
    if (found !== undefined) return found;
  }
  return undefined;
}
