/**
 * Adjusted p-values of several tests, in the order given: a hypothesis is rejected at level alpha when its adjusted p-value is
 * at most alpha. NaN (a test that could not be made) stays NaN and does not count.
 */
function stepwise(
  pValues: readonly number[],
  factor: (rank: number, tests: number) => number,
  direction: 'up' | 'down',
): number[] {
  const adjusted = pValues.map(() => Number.NaN);
  const order = pValues
    .flatMap((p, i) => (Number.isNaN(p) ? [] : [i]))
    .sort((a, b) => pValues[a]! - pValues[b]!);
  const tests = order.length;
  let bound = direction === 'down' ? 0 : 1;
  for (let step = 0; step < tests; step++) {
    const rank = direction === 'down' ? step + 1 : tests - step;
    const test = order[rank - 1]!;
    const raw = Math.min(1, pValues[test]! * factor(rank, tests));
    bound = direction === 'down' ? Math.max(bound, raw) : Math.min(bound, raw);
    adjusted[test] = bound;
  }
  return adjusted;
}

/** Holm (1979): bounds the probability of any false rejection, whatever the dependence of the tests. */
export function holm(pValues: readonly number[]): number[] {
  return stepwise(pValues, (rank, tests) => tests - rank + 1, 'down');
}

/** Benjamini & Hochberg (1995): bounds the expected share of false rejections, for independent or positively dependent tests. */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  return stepwise(pValues, (rank, tests) => tests / rank, 'up');
}
