import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { ProviderUnavailableError } from '../errors.ts';
import { writeCheckpoint } from '../testing.ts';
import type { Batch } from './batch.ts';
import { checkModel } from './checks.ts';
import { RowKeyValues } from './key-values.ts';
import { Model } from './model.ts';

let path: string;
let model: Model;
beforeAll(async () => {
  path = await writeCheckpoint(await mkdtemp(join(tmpdir(), 'runlake-model-')));
  model = await Model.load({ path, provider: 'cpu' });
});
afterAll(async () => {
  await model.close();
  await rm(path, { recursive: true });
});

const table = () => new Float32Array(16);

describe('a model', () => {
  it('gives each capture its shape', async () => {
    const rows = [
      { tokens: [1, 2, 3], targets: [4, 5] },
      { tokens: [6], targets: [7, 8] },
    ];
    const all = await model.forward({
      rows,
      capture: { residual: [0, 2], heads: [1], final: true, logits: true, positions: 'all', read: 'all' },
    });
    expect([...all.residual.keys()]).toEqual([0, 2]);
    expect((await model.forward({ rows, capture: { heads: [0, 0] } })).heads.size).toBe(1);
    expect(all.residual.get(2)!.shape).toEqual([2, 3, 8]);
    expect(all.heads.get(1)!.shape).toEqual([2, 3, 2, 4]);
    expect(all.final!.shape).toEqual([2, 3, 8]);
    expect(all.logits!.shape).toEqual([2, 3, 19]);
    expect(all.logProbabilities!.shape).toEqual([2, 3, 2]);

    const last = await model.forward({
      rows,
      capture: { residual: [2], heads: [1], final: true, logits: true },
    });
    expect(last.residual.get(2)!.shape).toEqual([2, 8]);
    expect(last.heads.get(1)!.shape).toEqual([2, 2, 4]);
    expect(last.logits!.shape).toEqual([2, 19]);
    expect(last.logProbabilities!.shape).toEqual([2, 2]);
    const row = (data: Float32Array, at: number, width: number) =>
      data.subarray(at * width, (at + 1) * width);
    // The first row ends at its third token, the second at its first.
    expect(row(last.final!.data, 0, 8)).toEqual(row(all.final!.data, 2, 8));
    expect(row(last.final!.data, 1, 8)).toEqual(row(all.final!.data, 3, 8));
    expect(row(last.logits!.data, 1, 19)).toEqual(row(all.logits!.data, 3, 19));

    expect(await model.forward({ rows: [{ tokens: [1] }], capture: {} })).toEqual({
      residual: new Map(),
      heads: new Map(),
    });
  });

  it('log-probabilities are those of the logits', async () => {
    const { logits, logProbabilities } = await model.forward({
      rows: [{ tokens: [3, 1], targets: [0, 18] }],
      capture: { logits: true },
    });
    const sum = Math.log(logits!.data.reduce((total, x) => total + Math.exp(x), 0));
    for (const [i, token] of [0, 18].entries()) {
      expect(logProbabilities!.data[i]).toBeCloseTo(logits!.data[token]! - sum, 5);
    }
  });

  it('edits where it is told to', async () => {
    const tokens = [1, 2, 3, 4];
    const add = { table: 0, points: [{ point: 1, scale: 1 }] };
    const residualTables = [new Float32Array(24).fill(1)];
    const run = async (editAt?: readonly number[] | 'all') => {
      const { residual } = await model.forward({
        rows: [{ tokens, add, ...(editAt === undefined ? {} : { editAt }) }],
        residualTables,
        capture: { residual: [1], positions: 'all' },
      });
      return residual.get(1)!.data;
    };
    const plain = await run([]);
    const changed = async (editAt?: readonly number[] | 'all') => {
      const data = await run(editAt);
      return tokens.map((_, s) => Math.round(data[s * 8]! - plain[s * 8]!));
    };
    expect(await changed()).toEqual([0, 0, 0, 1]);
    expect(await changed('all')).toEqual([1, 1, 1, 1]);
    expect(await changed([0, 2])).toEqual([1, 0, 1, 0]);
  });

  it('a row may use any of several tables', async () => {
    const residualTables = [1, 2, 3].map((value) => new Float32Array(24).fill(value));
    const rows = [2, 0, 1].map((which) => ({
      tokens: [5],
      add: { table: which, points: [{ point: 2, scale: 1 }] },
    }));
    const capture = { residual: [2] };
    const { residual } = await model.forward({ rows, residualTables, capture });
    const plain = await model.forward({ rows: [{ tokens: [5] }], capture });
    const added = [0, 8, 16].map((at) => residual.get(2)!.data[at]! - plain.residual.get(2)!.data[0]!);
    expect(added.map(Math.round)).toEqual([3, 1, 2]);
  });

  it.each<[string, Batch]>([
    ['without rows', { rows: [], capture: {} }],
    ['row 0: no tokens', { rows: [{ tokens: [] }], capture: {} }],
    ['row 1: token -1', { rows: [{ tokens: [1] }, { tokens: [-1] }], capture: {} }],
    ['row 0: token 1.5', { rows: [{ tokens: [1.5] }], capture: {} }],
    ['row 0: token 19', { rows: [{ tokens: [1], targets: [19] }], capture: {} }],
    ['row 0: 65 tokens', { rows: [{ tokens: Array<number>(65).fill(1) }], capture: {} }],
    ['row 1: another number', { rows: [{ tokens: [1], targets: [1] }, { tokens: [1] }], capture: {} }],
    ['row 0: head table 0', { rows: [{ tokens: [1], replace: { table: 0, heads: [] } }], capture: {} }],
    [
      'row 0: head 2.0',
      {
        rows: [{ tokens: [1], replace: { table: 0, heads: [{ layer: 2, head: 0 }] } }],
        headTables: [table()],
        capture: {},
      },
    ],
    [
      'row 0: residual point 3',
      {
        rows: [{ tokens: [1], add: { table: 0, points: [{ point: 3, scale: 1 }] } }],
        residualTables: [new Float32Array(24)],
        capture: {},
      },
    ],
    [
      'row 0: edit at 1',
      {
        rows: [{ tokens: [1], editAt: [1], replace: { table: 0, heads: [] } }],
        headTables: [table()],
        capture: {},
      },
    ],
    ['head table 0 has 3', { rows: [{ tokens: [1] }], headTables: [new Float32Array(3)], capture: {} }],
    ['the heads of layer 2', { rows: [{ tokens: [1] }], capture: { heads: [2] } }],
  ])('refuses a batch: %s', async (message, batch) => {
    const run = model.forward(batch);
    await expect(run).rejects.toThrow(InvalidArgumentError);
    await expect(run).rejects.toThrow(message);
  });

  it('refuses other rows than it has keys and values of', async () => {
    const past = new RowKeyValues(model.keyValueSizes, 2);
    await expect(model.forward({ rows: [{ tokens: [1] }], capture: {} }, { past })).rejects.toThrow(
      InvalidArgumentError,
    );
  });

  it('can be loaded with fewer taps, and still checks itself', async () => {
    const few = await Model.load({ path, provider: 'cpu', taps: { residual: [2], heads: [] } });
    const rows = [{ tokens: [1, 2] }];
    expect(await few.forward({ rows, capture: { residual: [2] } })).toEqual(
      await model.forward({ rows, capture: { residual: [2] } }),
    );
    await expect(few.forward({ rows, capture: { residual: [1] } })).rejects.toThrow(/at point 1/);
    expect((await checkModel(few)).passed).toBe(true);
    await few.close();
  });

  it('says which provider does not do what was asked for', async () => {
    await expect(Model.load({ path, provider: 'cpu', compute: 'bfloat16' })).rejects.toThrow(
      ProviderUnavailableError,
    );
    await expect(Model.load({ path, provider: 'cuda' })).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      remedy: expect.stringContaining('NVIDIA driver'),
    });
  });
});
