import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { largestDifference } from '../../../test/support/tensors.ts';
import { randomFloats, writeCheckpoint } from '../testing.ts';
import type { Row } from './batch.ts';
import { RowKeyValues } from './key-values.ts';
import { Model } from './model.ts';

let model: Model;
beforeAll(async () => {
  const path = await writeCheckpoint(await mkdtemp(join(tmpdir(), 'runlake-late-')));
  model = await Model.load({ path, provider: 'cpu' });
});
afterAll(async () => {
  await model.close();
  await rm(model.checkpoint.directory, { recursive: true });
});

const tables = { headTables: [randomFloats(16, 1)], residualTables: [randomFloats(24, 2)] };
const last = { table: 0, heads: [{ layer: 1, head: 0 }] };
const addedAt = (point: number) => ({ table: 0, points: [{ point, scale: 0.5 }] });

describe('rows that begin late', () => {
  const tokens = fc.array(fc.integer({ min: 0, max: 18 }), { minLength: 1, maxLength: 4 });
  // What is done to the rows behind each prefix; the first row is there from the beginning.
  const later = fc.constantFrom<Omit<Row, 'tokens'>>(
    {},
    { replace: { table: 0, heads: [{ layer: 0, head: 1 }] } },
    { add: addedAt(0) },
    { replace: last, from: { row: 0, point: 1 } },
    { add: addedAt(1), from: { row: 0, point: 1 } },
    { add: addedAt(2), from: { row: 0, point: 2 } },
    { from: { row: 0, point: 2 } },
    { replace: last, add: addedAt(2), from: { row: 0, point: 1 } },
  );

  it('give what they give from the beginning, behind prefixes of any lengths', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(tokens, fc.constant([])), { minLength: 1, maxLength: 3 }),
        tokens,
        fc.array(later, { maxLength: 5 }),
        async (prefixes, own, changes) => {
          const share = [{}, ...changes].length;
          const rows = prefixes.flatMap((_, p) =>
            [{}, ...changes].map((change: Omit<Row, 'tokens'>): Row => {
              const { from, ...rest } = change;
              const begun = from === undefined ? {} : { from: { ...from, row: p * share } };
              return { tokens: own, targets: [3], ...rest, ...begun };
            }),
          );
          const prefix = await model.prefill(...prefixes);
          const capture = { logits: true, best: true };
          const together = await model.forward({ rows, ...tables, capture }, { prefix });
          for (const [i, { from: _, ...row }] of rows.entries()) {
            const before = prefixes[Math.floor(i / share)]!;
            const whole = {
              ...row,
              tokens: [...before, ...own],
              editAt: [before.length + own.length - 1],
            };
            const alone = await model.forward({ rows: [whole], ...tables, capture });
            const logits = together.logits!.data.subarray(i * 19, (i + 1) * 19);
            expect(largestDifference(logits, alone.logits!.data)).toBeLessThan(2e-5);
            expect(together.targetLogits!.data[i]).toBe(logits[3]);
            expect(together.best!.data[i]).toBe(logits.indexOf(Math.max(...logits)));
          }
        },
      ),
      { numRuns: 25 },
    ));

  it('may begin from rows that began late themselves', async () => {
    const rows: Row[] = [
      { tokens: [4] },
      { tokens: [4], add: addedAt(1), from: { row: 0, point: 1 } },
      { tokens: [4], add: addedAt(2), from: { row: 1, point: 2 } },
    ];
    const { logits } = await model.forward({ rows, ...tables, capture: { logits: true } });
    const both = { table: 0, points: [...addedAt(1).points, ...addedAt(2).points] };
    const alone = await model.forward({
      rows: [{ tokens: [4], add: both }],
      ...tables,
      capture: { logits: true },
    });
    expect(largestDifference(logits!.data.subarray(38), alone.logits!.data)).toBeLessThan(2e-5);
  });

  const first: Row = { tokens: [1] };
  it.each<[string, readonly Row[]]>([
    ['begins at point 0', [first, { tokens: [1], from: { row: 0, point: 0 } }]],
    ['begins at point 3', [first, { tokens: [1], from: { row: 0, point: 3 } }]],
    ['which is not there', [first, { tokens: [1], from: { row: 2, point: 1 } }]],
    ['which is not there', [first, { tokens: [1], from: { row: 1, point: 1 } }]],
    ['other tokens than row 0', [first, { tokens: [2], from: { row: 0, point: 1 } }]],
    ['changed before point 2', [first, { tokens: [1], replace: last, from: { row: 0, point: 2 } }]],
    ['changed before point 2', [first, { tokens: [1], add: addedAt(1), from: { row: 0, point: 2 } }]],
  ])('are refused: %s', async (message, rows) => {
    const run = model.forward({ rows, ...tables, capture: { logits: true } });
    await expect(run).rejects.toThrow(InvalidArgumentError);
    await expect(run).rejects.toThrow(message);
  });

  it('are refused where blocks are captured, behind keys and values, and unevenly behind prefixes', async () => {
    const rows: Row[] = [first, { tokens: [1], from: { row: 0, point: 1 } }];
    await expect(model.forward({ rows, capture: { heads: [1] } })).rejects.toThrow(/values of blocks/);
    const past = new RowKeyValues(model.keyValueSizes, 2);
    await expect(model.forward({ rows, capture: {} }, { past })).rejects.toThrow(/begin at point 0/);
    const prefix = await model.prefill([1], [2]);
    await expect(model.forward({ rows, capture: {} }, { prefix })).rejects.toThrow(/do not divide/);
  });
});
