import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CancelledError } from '../errors.ts';
import { backoffMs, type RetryPolicy, retry } from './retry.ts';

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: fc.integer({ min: 1, max: 12 }),
  baseMs: fc.integer({ min: 1, max: 1_000 }),
  capMs: fc.integer({ min: 1, max: 60_000 }),
});
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('pauses lie under the cap, under the doubling bound, and spread over all of it', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 60 }), unit, (policy, failures, draw) => {
      const bound = Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1));
      const pause = backoffMs(policy, failures, () => draw);
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThanOrEqual(bound);
      expect(backoffMs(policy, failures, () => 0.5)).toBeCloseTo(bound / 2, 6);
    }),
  );
});

test('an operation runs until it succeeds, fails for good or the attempts are used up', async () => {
  await fc.assert(
    fc.asyncProperty(
      policies,
      fc.array(fc.constantFrom('ok', 'transient', 'final'), { minLength: 12, maxLength: 12 }),
      async (policy, outcomes) => {
        const seen: number[] = [];
        const pauses: number[] = [];
        const result = await retry(
          async (attempt) => {
            seen.push(attempt);
            const outcome = outcomes[attempt - 1]!;
            if (outcome !== 'ok') throw new Error(`${outcome} ${attempt}`);
            return attempt;
          },
          (error) => error instanceof Error && error.message.startsWith('transient'),
          { policy, what: 'testing', pause: async (ms) => void pauses.push(ms) },
        ).catch((error: unknown) => error);
        const stop = outcomes.findIndex((outcome) => outcome !== 'transient');
        const tries = stop === -1 ? policy.attempts : Math.min(policy.attempts, stop + 1);
        expect(seen).toEqual(Array.from({ length: tries }, (_, n) => n + 1));
        expect(pauses).toHaveLength(tries - 1);
        const last = outcomes[tries - 1]!;
        if (last === 'ok') expect(result).toBe(tries);
        else expect(result).toEqual(new Error(`${last} ${tries}`));
      },
    ),
  );
});

test('an abort ends the pause at once', async () => {
  const controller = new AbortController();
  const hour: RetryPolicy = { attempts: 1000, baseMs: 3_600_000, capMs: 3_600_000 };
  const failing = retry(
    async () => {
      setTimeout(() => controller.abort(), 5);
      throw new Error('down');
    },
    () => true,
    { policy: hour, signal: controller.signal, what: 'waiting' },
  );
  await expect(failing).rejects.toThrow(CancelledError);
});
