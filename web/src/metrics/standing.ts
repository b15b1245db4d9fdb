import type { Direction } from './direction.ts';

/** A number with its interval, where it has one. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** `tied`: not the best number, but its interval overlaps that of the best, so that the order may be chance. */
export type Standing = 'best' | 'tied';

/** How numbers of one metric stand to each other. A number without an interval counts as a point. None stands out of one, or without a direction. */
export function standings(
  estimates: readonly (Estimate | undefined)[],
  direction: Direction | undefined,
): (Standing | undefined)[] {
  const values = estimates.flatMap((estimate) => estimate?.value ?? []);
  if (direction === undefined || values.length < 2) return estimates.map(() => undefined);
  const best = direction === 'higher' ? Math.max(...values) : Math.min(...values);
  const leaders = estimates.filter((estimate) => estimate?.value === best);
  return estimates.map((estimate) => {
    if (estimate === undefined || estimate.value === null) return undefined;
    if (estimate.value === best) return 'best';
    return leaders.some((leader) => overlap(estimate, leader)) ? 'tied' : undefined;
  });
}

function overlap(a: Estimate | undefined, b: Estimate | undefined): boolean {
  const [one, other] = [ends(a), ends(b)];
  return one !== undefined && other !== undefined && one.low <= other.high && other.low <= one.high;
}

function ends(estimate: Estimate | undefined): { readonly low: number; readonly high: number } | undefined {
  if (estimate === undefined || estimate.value === null) return undefined;
  return { low: estimate.low ?? estimate.value, high: estimate.high ?? estimate.value };
}
