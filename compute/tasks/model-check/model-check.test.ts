import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../lake/log/memory-store.test-support.ts';
import type { ModelIdentity, ModelVerdict } from '../../model/index.ts';
import { tinyModelInfo as info } from '../../model/testing.ts';
import { listVerdicts } from '../../model/verdicts.ts';
import { checkedModel, checkMember, registerModel, warningOf } from './model-check.ts';

const some: ModelIdentity = {
  modelHash: 'ab'.repeat(32),
  graphVersion: 1,
  provider: 'cpu',
  compute: 'float32',
  runtime: '1.30.0',
  taps: { residual: [2], heads: [] },
};
const whole = { ...some, taps: info.taps };

/** A model whose self-checks end as told, and count. */
function model(identity: ModelIdentity, outcome: boolean | Error | 'never' = true) {
  const counted = {
    checks: 0,
    info: async () => ({ ...info, taps: identity.taps }),
    identity: async () => identity,
    async check(signal?: AbortSignal): Promise<ModelVerdict> {
      counted.checks++;
      if (outcome instanceof Error) throw outcome;
      if (outcome === 'never')
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      const one = { name: 'alone = in a batch', difference: 0.5, tolerance: 1, passed: outcome };
      return { ...identity, checks: [one], passed: outcome };
    },
  };
  return counted;
}
const { signal } = new AbortController();
const checkOf = async (one: ReturnType<typeof model>, store: MemoryStore, options = {}) =>
  (await checkedModel(one, 'tiny', store, signal, options)).check;

describe('the check of a model', () => {
  test('is made once for a combination, or once for all values that a model gives', async () => {
    const store = new MemoryStore();
    const first = model(some);
    expect(await checkOf(first, store)).toEqual({ verdict: 'passed', failed_checks: [], reason: null });
    await checkOf(first, store);
    expect(first.checks).toBe(1);
    const other = model({ ...some, taps: { residual: [], heads: [0] } });
    await registerModel(model(whole), 'tiny', store, signal);
    await checkOf(other, store);
    expect(other.checks).toBe(0);
    expect(await listVerdicts(store)).toMatchObject([
      { name: 'tiny', modelType: 'llama', passed: true },
      { name: 'tiny', modelType: 'llama', passed: true },
    ]);
  });

  test('that failed is made again', async () => {
    const store = new MemoryStore();
    const check = await checkOf(model(some, false), store);
    expect(check).toEqual({ verdict: 'failed', failed_checks: ['alone = in a batch'], reason: null });
    expect(warningOf(check)).toBe('the model fails its self-checks: alone = in a batch');
    expect((await listVerdicts(store))[0]?.passed).toBe(false);
    expect((await checkOf(model(some), store)).verdict).toBe('passed');
    expect((await listVerdicts(store))[0]?.passed).toBe(true);
  });

  test('that breaks off or takes too long leaves the model unverified', async () => {
    const store = new MemoryStore();
    const broken = await checkOf(model(some, new Error('out of memory')), store);
    expect(broken).toMatchObject({
      verdict: 'unverified',
      reason: 'its self-checks broke off: out of memory',
    });
    const slow = await checkOf(model(some, 'never'), store, { timeMs: 1 });
    expect(slow.reason).toMatch(/^its self-checks took longer/);
    expect(await listVerdicts(store)).toEqual([]);
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    await expect(checkedModel(model(some, 'never'), 'tiny', store, cancelled)).rejects.toThrow('cancelled');
  });

  test('of several models is as good as the worst', () => {
    const passed = { verdict: 'passed', failed_checks: [], reason: null } as const;
    const failed = { verdict: 'failed', failed_checks: ['a', 'b'], reason: null } as const;
    const unknown = { verdict: 'unverified', failed_checks: [], reason: 'too slow' } as const;
    const copy = (...checks: (typeof passed | typeof failed | typeof unknown)[]) =>
      checkMember(checks.map((one) => ({ ...one, failed_checks: [...one.failed_checks] }))).model_check;
    expect(checkMember([])).toEqual({});
    expect(copy(passed, passed)).toEqual(passed);
    expect(copy(passed, unknown)).toEqual(unknown);
    expect(copy(failed, unknown, passed, failed)).toEqual({ ...failed, reason: 'too slow' });
  });
});
