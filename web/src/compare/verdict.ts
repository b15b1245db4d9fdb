import type { Paired, PairedCorrectness, PairedTest } from './queries.ts';

/** Below this, a difference is not put down to chance. */
export const SIGNIFICANT = 0.05;

type PairedEstimate = PairedCorrectness['difference'];

/** One measure of two runs on the examples that both have; the difference is the second minus the first. */
export interface Finding {
  readonly measure: string;
  readonly n: number;
  readonly first: PairedEstimate;
  readonly second: PairedEstimate;
  readonly difference: PairedEstimate;
  /** The test to be quoted: that of prompts where examples share them. */
  readonly test: PairedTest;
}

/** What a comparison found, ranking first; the parts of the runs last. */
export function findingsOf({ ranking, correctness, scopes }: Paired): Finding[] {
  const ofCorrectness = (of: PairedCorrectness, measure: string): Finding => ({
    measure,
    n: of.n,
    first: of.accuracyA,
    second: of.accuracyB,
    difference: of.difference,
    test: of.clusteredTest ?? of.test,
  });
  return [
    ...(ranking === null
      ? []
      : [
          {
            measure: 'AUROC',
            n: ranking.n,
            first: ranking.aurocA,
            second: ranking.aurocB,
            difference: ranking.difference,
            test: ranking.clusteredTest ?? ranking.test,
          },
        ]),
    ...(correctness === null ? [] : [ofCorrectness(correctness, 'accuracy')]),
    ...scopes.map((scope) => ofCorrectness(scope, `accuracy, ${scope.scope}`)),
  ];
}

/** Which run is better, where the test leaves little room for chance. Higher is better in every measure. */
export function verdictOf({ difference, test }: Finding): 'first' | 'second' | 'undecided' {
  const p = test.adjustedPValue ?? test.pValue;
  if (p === null || p >= SIGNIFICANT || difference.value === null || difference.value === 0)
    return 'undecided';
  return difference.value > 0 ? 'second' : 'first';
}
