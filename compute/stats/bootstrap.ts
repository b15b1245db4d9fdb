import { setImmediate } from 'node:timers/promises';
import { standardDeviation } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { checkSignal } from '../../lake/store/abort.ts';
import { type Random, seededRandom } from './random.ts';
import { type RankMetric, rankingOf, weightedAuroc } from './rank-metrics.ts';
import { byCluster, byLabel, resample, type Strata } from './resample.ts';

export interface BootstrapOptions {
  /** Default: AUROC. */
  readonly metric?: RankMetric;
  /** Default 2,000. */
  readonly resamples?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default 0.95. */
  readonly confidence?: number;
  /**
   * Cluster of each example. Examples of a cluster are drawn together where examples are not independent; without it they are
   * drawn one by one, positives and negatives apart.
   */
  readonly clusters?: ArrayLike<number>;
  /** Instead of `seed`. */
  readonly random?: Random;
  readonly signal?: AbortSignal;
}

/** The thread is left to others after so long. */
const TURN_MS = 20;

/** A number with a percentile interval. */
export interface BootstrapEstimate {
  /** Of the sample itself. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Standard deviation over the resamples. */
  readonly standardError: number;
  /** Resamples on which the metric was defined. */
  readonly resamples: number;
}

export interface PairedBootstrap extends BootstrapEstimate {
  /**
   * Two-sided: twice the smaller share of resamples on either side of no difference, each with one added above and below
   * (Davison & Hinkley 1997, 4.2.3).
   */
  readonly pValue: number;
}

/**
 * The q-quantile of ascending values, linear between neighbours (Hyndman & Fan's definition 7, numpy's default); NaN of none.
 */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const at = (ascending.length - 1) * q;
  const below = Math.floor(at);
  const low = ascending[below] ?? Number.NaN;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] ?? Number.NaN;
  return low + (high - low) * (at - below);
}

/** Percentile interval of a rank metric by resampling examples. @throws InvalidArgumentError, CancelledError */
export async function bootstrap(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: BootstrapOptions = {},
): Promise<BootstrapEstimate> {
  checkLengths(labels, scores);
  const { metric = weightedAuroc } = options;
  const ranking = rankingOf(scores, labels);
  return (await estimate((weights) => metric(ranking, weights), labels, options)).estimate;
}

/**
 * Interval and test of the difference `metric(a) - metric(b)` of two methods that scored the same examples: each resample is
 * drawn once and used for both. @throws InvalidArgumentError, CancelledError
 */
export async function pairedBootstrap(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: BootstrapOptions = {},
): Promise<PairedBootstrap> {
  checkLengths(labels, a, b);
  const { metric = weightedAuroc } = options;
  const rankings = [rankingOf(a, labels), rankingOf(b, labels)] as const;
  const { estimate: found, values } = await estimate(
    (weights) => metric(rankings[0], weights) - metric(rankings[1], weights),
    labels,
    options,
  );
  const below = values.filter((value) => value <= 0).length;
  const above = values.filter((value) => value >= 0).length;
  const pValue = Math.min(1, (2 * (Math.min(below, above) + 1)) / (values.length + 1));
  return { ...found, pValue: values.length === 0 ? Number.NaN : pValue };
}

async function estimate(
  statistic: (weights: Uint32Array) => number,
  labels: ArrayLike<number>,
  options: BootstrapOptions,
): Promise<{ readonly estimate: BootstrapEstimate; readonly values: Float64Array }> {
  const { resamples = 2000, confidence = 0.95, clusters, random = seededRandom(options.seed ?? 0) } = options;
  if (clusters !== undefined) checkLengths(labels, clusters);
  const strata: Strata = clusters === undefined ? byLabel(labels) : byCluster(clusters);
  const weights = new Uint32Array(labels.length);
  const drawn = new Float64Array(resamples);
  let defined = 0;
  let turnEnds = performance.now() + TURN_MS;
  for (let i = 0; i < resamples; i++) {
    if (performance.now() > turnEnds) {
      await setImmediate();
      checkSignal(options.signal, 'the bootstrap');
      turnEnds = performance.now() + TURN_MS;
    }
    resample(strata, random, weights);
    const value = statistic(weights);
    if (!Number.isNaN(value)) drawn[defined++] = value;
  }
  const values = drawn.subarray(0, defined).sort();
  return {
    estimate: {
      value: statistic(weights.fill(1)),
      low: quantile(values, (1 - confidence) / 2),
      high: quantile(values, (1 + confidence) / 2),
      standardError: standardDeviation(values),
      resamples: defined,
    },
    values,
  };
}

function checkLengths(labels: ArrayLike<number>, ...others: readonly ArrayLike<number>[]): void {
  for (const other of others) {
    if (other.length !== labels.length)
      throw new InvalidArgumentError(`${other.length} values for ${labels.length} labels`);
  }
}
