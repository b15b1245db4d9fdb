import { z } from 'zod';

/** A position or a count that fits 32 bits. */
export const index = z
  .int({ error: 'expected an integer from 0' })
  .min(0, { error: 'expected an integer from 0' })
  .max(2 ** 31 - 1, { error: 'expected an integer below 2^31' });

/** A layer or a head: the largest models have some hundreds of either. */
export const modelIndex = index.max(9_999, { error: 'expected a layer or head below 10000' });

/** A measured number: half-precision models do give NaN and infinite log-probabilities. */
export const measured = z.union(
  [z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity), z.bigint()],
  { error: 'expected a number' },
);

const measurement = measured.nullish();

/** A shape whose every member may be absent, null or a `measured` number. */
export function measuredMembers<const Names extends readonly string[]>(
  names: Names,
): Record<Names[number], typeof measurement> {
  // `fromEntries` forgets which keys it was given.
  return Object.fromEntries(names.map((name) => [name, measurement])) as Record<
    Names[number],
    typeof measurement
  >;
}
