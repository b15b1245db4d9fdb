import {
  aurocTest,
  clusteredMean,
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
  /** The same with prompts as what is independent; null when no two examples share one. */
  readonly clusteredTest: Test | null;
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
  /** The same with prompts as what is independent; null when no two examples share one. */
  readonly clusteredTest: Test | null;
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
/** Said of every interval and test that takes examples for independent, where they are not. */
const AS_INDEPENDENT = ', as if examples were independent';

/** Number of prompts of examples of which several have the same; undefined when none have, so that examples are independent. */
function repeatedPrompts(pairs: readonly Pair[]): number | undefined {
  const prompts = new Set(pairs.map(({ promptGroup }) => promptGroup)).size;
  return prompts < pairs.length ? prompts : undefined;
}

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
  const clustered = clusteredDifference(judged, confidence);
  const caveat = clustered === undefined ? '' : AS_INDEPENDENT;
  const accuracy = (right: number): Estimate => ({
    value: right / n,
    ...wilsonInterval(right, n, confidence),
    confidence,
    interval: WILSON + caveat,
  });
  const newcombe = pairedShareInterval(
    { both: bothRight, onlyFirst: onlyBRight, onlySecond: onlyARight, neither: neitherRight },
    confidence,
  );
  const difference = clustered?.difference ?? { ...newcombe, interval: NEWCOMBE };
  return {
    scope,
    n,
    bothRight,
    onlyARight,
    onlyBRight,
    neitherRight,
    accuracyA: accuracy(bothRight + onlyARight),
    accuracyB: accuracy(bothRight + onlyBRight),
    difference: { value: (onlyBRight - onlyARight) / n, ...difference, confidence },
    test: plainTest(MCNEMAR + caveat, mcnemarExact(onlyARight, onlyBRight)),
    clusteredTest: clustered?.test ?? null,
  };
}

/** Interval and test of the difference in accuracy that hold when samples of one prompt are alike; undefined where no prompt repeats. */
function clusteredDifference(judged: readonly Pair[], confidence: number) {
  const prompts = repeatedPrompts(judged);
  if (prompts === undefined) return undefined;
  const { low, high, pValue } = clusteredMean(
    judged.map(({ a, b }) => Number(b.correct) - Number(a.correct)),
    judged.map(({ promptGroup }) => promptGroup),
    confidence,
  );
  const how = `standard error clustered by prompt (${prompts} prompts)`;
  return {
    difference: {
      low: finite(Math.max(-1, low)),
      high: finite(Math.min(1, high)),
      interval: `Student t, ${how}`,
    },
    test: plainTest(`Student t, two-sided, ${how}`, pValue),
  };
}

function plainTest(method: string, pValue: number): Test {
  return { method, pValue: finite(pValue), adjustedPValue: null, correction: null };
}

/** Every scope of the pairs by name, layers by number, its p-value corrected for their number. */
export function correctnessByScope(pairs: readonly Pair[], confidence: number): PairedCorrectness[] {
  const scopes = new Map<string, Pair[]>();
  for (const pair of pairs) {
    if (pair.scope === null) continue;
    const known = scopes.get(pair.scope);
    if (known === undefined) scopes.set(pair.scope, [pair]);
    else known.push(pair);
  }
  const found = [...scopes]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap(([scope, members]) => pairedCorrectness(scope, members, confidence) ?? []);
  const tests = adjusted(found.map(({ test }) => test));
  // Of a scope in which no prompt repeats, the plain test is the right one.
  const clustered = adjusted(found.map(({ test, clusteredTest }) => clusteredTest ?? test));
  return found.map((scope, i) => ({
    ...scope,
    test: tests[i]!,
    clusteredTest: scope.clusteredTest && clustered[i]!,
  }));
}

function adjusted(tests: readonly Test[]): Test[] {
  const corrected = holm(tests.map(({ pValue }) => pValue ?? Number.NaN));
  return tests.map((test, i) => ({ ...test, adjustedPValue: finite(corrected[i]!), correction: HOLM }));
}

/** Scores of both runs on the pairs that have them, with the label that both runs give them. */
export interface Scored {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly labels: Uint8Array;
  /** Number of the prompt of each. */
  readonly promptGroups: Int32Array;
  /** How many prompts, when some repeat. */
  readonly repeatedPrompts: number | undefined;
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
    promptGroups: Int32Array.from(scored, ({ promptGroup }) => promptGroup),
    repeatedPrompts: repeatedPrompts(scored),
  };
}

function isScore(score: number | null): boolean {
  return score !== null && !Number.isNaN(score);
}

/** Undefined when the labels lack a class. @throws CancelledError */
export async function pairedRanking(
  { a, b, labels, promptGroups, repeatedPrompts: prompts }: Scored,
  { confidence, resamples, seed, signal }: StatisticsOptions,
): Promise<PairedRanking | undefined> {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === labels.length) return undefined;
  const clustered = prompts !== undefined;
  const caveat = clustered ? AS_INDEPENDENT : '';
  const aurocOf = (scores: Float64Array): Estimate => {
    const { auroc, low, high } = aurocTest(scores, labels, confidence);
    return {
      value: auroc,
      low: finite(low),
      high: finite(high),
      confidence,
      interval: DELONG_INTERVAL + caveat,
    };
  };
  const { difference, pValue } = pairedDelong(b, a, labels);
  const resampled = await pairedBootstrap(b, a, labels, {
    confidence,
    resamples,
    seed,
    ...(clustered && { clusters: promptGroups }),
    ...(signal && { signal }),
  });
  const [drawn, unit] = clustered ? ['paired cluster', `prompt (${prompts} prompts)`] : ['paired', 'label'];
  const counts = `${resamples} resamples, seed ${seed}`;
  // Every resample of one prompt is the sample: nothing is learnt of how it strays.
  const strays = prompts !== 1;
  return {
    n: labels.length,
    positives,
    aurocA: aurocOf(a),
    aurocB: aurocOf(b),
    difference: {
      value: difference,
      low: strays ? finite(resampled.low) : null,
      high: strays ? finite(resampled.high) : null,
      confidence,
      interval: `${drawn} bootstrap, percentiles, drawn by ${unit}, ${counts}`,
    },
    test: plainTest(DELONG_TEST + caveat, pValue),
    clusteredTest: clustered
      ? plainTest(
          `${drawn} bootstrap, two-sided, drawn by ${unit}, ${counts}`,
          strays ? resampled.pValue : Number.NaN,
        )
      : null,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
