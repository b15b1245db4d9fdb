import {
  aurocTest,
  holm,
  mcnemarExact,
  pairedBootstrap,
  pairedDelong,
  pairedShareInterval,
  wilsonInterval,
} from '../stats/index.ts';
import type { Pair } from './pairs.ts';

/** A number with its interval and how that was made; null where it is not defined. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
  readonly interval: string;
}

/** A test of no difference between the runs. */
export interface Test {
  readonly method: string;
  readonly pValue: number | null;
  /** Corrected for the number of scopes; null outside of them. */
  readonly adjustedPValue: number | null;
  readonly correction: string | null;
}

/** How often the runs are right on the examples that both judge. */
export interface PairedCorrectness {
  /** `overall`, or a part of the runs. */
  readonly scope: string;
  readonly n: number;
  readonly bothRight: number;
  readonly onlyARight: number;
  readonly onlyBRight: number;
  readonly neitherRight: number;
  readonly accuracyA: Estimate;
  readonly accuracyB: Estimate;
  /** The accuracy of b minus that of a. */
  readonly difference: Estimate;
  readonly test: Test;
}

/** How well the scores of the runs rank the same examples by the same labels. */
export interface PairedRanking {
  readonly n: number;
  readonly positives: number;
  readonly aurocA: Estimate;
  readonly aurocB: Estimate;
  /** The AUROC of b minus that of a. */
  readonly difference: Estimate;
  readonly test: Test;
}

export interface StatisticsOptions {
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

const WILSON = 'Wilson score';
const NEWCOMBE = 'Newcombe 1998, method 10 (paired, square and add of Wilson limits)';
const MCNEMAR = 'McNemar, exact binomial, two-sided';
const DELONG_INTERVAL = 'DeLong, normal, cut to [0, 1]';
const DELONG_TEST = 'DeLong, paired, two-sided';
const HOLM = 'Holm over the scopes';

/** Undefined when no example is judged in both runs. */
export function pairedCorrectness(
  scope: string,
  pairs: readonly Pair[],
  confidence: number,
): PairedCorrectness | undefined {
  const judged = pairs.filter(({ a, b }) => a.correct !== null && b.correct !== null);
  const n = judged.length;
  if (n === 0) return undefined;
  const count = (inA: boolean, inB: boolean) =>
    judged.filter(({ a, b }) => a.correct === inA && b.correct === inB).length;
  const [bothRight, onlyARight, onlyBRight] = [count(true, true), count(true, false), count(false, true)];
  const neitherRight = n - bothRight - onlyARight - onlyBRight;
  const accuracy = (right: number): Estimate => ({
    value: right / n,
    ...wilsonInterval(right, n, confidence),
    confidence,
    interval: WILSON,
  });
  const difference = pairedShareInterval(
    { both: bothRight, onlyFirst: onlyBRight, onlySecond: onlyARight, neither: neitherRight },
    confidence,
  );
  const pValue = mcnemarExact(onlyARight, onlyBRight);
  return {
    scope,
    n,
    bothRight,
    onlyARight,
    onlyBRight,
    neitherRight,
    accuracyA: accuracy(bothRight + onlyARight),
    accuracyB: accuracy(bothRight + onlyBRight),
    difference: { value: (onlyBRight - onlyARight) / n, ...difference, confidence, interval: NEWCOMBE },
    test: { method: MCNEMAR, pValue, adjustedPValue: null, correction: null },
  };
}

/** Every scope of the pairs in their order, its p-value corrected for their number. */
export function correctnessByScope(pairs: readonly Pair[], confidence: number): PairedCorrectness[] {
  const scopes = new Map<string, Pair[]>();
  for (const pair of pairs) {
    if (pair.scope === null) continue;
    const known = scopes.get(pair.scope);
    if (known === undefined) scopes.set(pair.scope, [pair]);
    else known.push(pair);
  }
  const found = [...scopes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([scope, members]) => pairedCorrectness(scope, members, confidence) ?? []);
  const adjusted = holm(found.map(({ test }) => test.pValue ?? Number.NaN));
  return found.map((scope, i) => ({
    ...scope,
    test: { ...scope.test, adjustedPValue: finite(adjusted[i]!), correction: HOLM },
  }));
}

/** Scores of both runs on the pairs that have them, with the label that both runs give them. */
export interface Scored {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly labels: Uint8Array;
}

/** Pairs with two scores and two labels, which must be equal. */
export function scoredPairs(pairs: readonly Pair[]): Scored {
  const scored = pairs.filter(
    ({ a, b }) =>
      isScore(a.scoreHalu) && isScore(b.scoreHalu) && a.labelHalu !== null && b.labelHalu !== null,
  );
  return {
    a: Float64Array.from(scored, ({ a }) => a.scoreHalu ?? Number.NaN),
    b: Float64Array.from(scored, ({ b }) => b.scoreHalu ?? Number.NaN),
    labels: Uint8Array.from(scored, ({ a }) => (a.labelHalu ? 1 : 0)),
  };
}

function isScore(score: number | null): boolean {
  return score !== null && !Number.isNaN(score);
}

/** Undefined when the labels lack a class. @throws CancelledError */
export async function pairedRanking(
  { a, b, labels }: Scored,
  { confidence, resamples, seed, signal }: StatisticsOptions,
): Promise<PairedRanking | undefined> {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === labels.length) return undefined;
  const aurocOf = (scores: Float64Array): Estimate => {
    const { auroc, low, high } = aurocTest(scores, labels, confidence);
    return {
      value: auroc,
      low: finite(low),
      high: finite(high),
      confidence,
      interval: DELONG_INTERVAL,
    };
  };
  const { difference, pValue } = pairedDelong(b, a, labels);
  const resampled = await pairedBootstrap(b, a, labels, {
    confidence,
    resamples,
    seed,
    ...(signal && { signal }),
  });
  return {
    n: labels.length,
    positives,
    aurocA: aurocOf(a),
    aurocB: aurocOf(b),
    difference: {
      value: difference,
      low: finite(resampled.low),
      high: finite(resampled.high),
      confidence,
      interval: `paired bootstrap, percentiles, drawn by label, ${resamples} resamples, seed ${seed}`,
    },
    test: { method: DELONG_TEST, pValue: finite(pValue), adjustedPValue: null, correction: null },
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
