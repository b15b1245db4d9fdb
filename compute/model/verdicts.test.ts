import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../lake/log/memory-store.test-support.ts';
import { listVerdicts, readVerdict, type StoredVerdict, writeVerdict } from './verdicts.ts';

const verdict: StoredVerdict = {
  modelHash: 'ab'.repeat(32),
  graphVersion: 1,
  provider: 'cpu',
  compute: 'float32',
  runtime: '1.30.0',
  taps: { residual: [0, 1, 2], heads: [0, 1] },
  checks: [{ name: 'alone = in a batch', difference: 1e-7, tolerance: 2e-5, passed: true }],
  passed: true,
  name: 'tiny',
  modelType: 'llama',
  checkedAt: '2026-03-04T05:06:07.000Z',
  machine: 'host',
};

describe('stored verdicts', () => {
  test('hold for exactly one combination, and the last one counts', async () => {
    const store = new MemoryStore();
    await writeVerdict(store, verdict);
    expect(await readVerdict(store, verdict)).toEqual(verdict);
    const others: Partial<StoredVerdict>[] = [
      { modelHash: 'cd'.repeat(32) },
      { graphVersion: 2 },
      { provider: 'cuda' },
      { compute: 'float16' },
      { runtime: '1.31.0' },
      { taps: { residual: [2], heads: [] } },
    ];
    for (const other of others) expect(await readVerdict(store, { ...verdict, ...other })).toBeUndefined();
    for (const other of others) await writeVerdict(store, { ...verdict, ...other });
    const failed = {
      ...verdict,
      passed: false,
      checks: [{ ...verdict.checks[0]!, difference: NaN, passed: false }],
    };
    await writeVerdict(store, failed);
    expect(await readVerdict(store, verdict)).toEqual(failed);
    const all = await listVerdicts(store);
    expect(all).toHaveLength(1 + others.length);
    expect(all).toContainEqual(failed);
  });

  test('that cannot be read count as none', async () => {
    const store = new MemoryStore();
    await writeVerdict(store, verdict);
    const [key = ''] = store.objects.keys();
    for (const text of ['', '{"modelHash": "ab"', '[]', JSON.stringify({ ...verdict, passed: 'yes' })]) {
      await store.put(key, Buffer.from(text));
      expect(await readVerdict(store, verdict)).toBeUndefined();
      expect(await listVerdicts(store)).toEqual([]);
    }
    await store.put('models/demo/config.json', Buffer.from('{}'));
    expect(await listVerdicts(store)).toEqual([]);
  });
});
