import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { writeCheckpoint } from '../testing.ts';
import { Model } from './model.ts';
import { readTargets } from './read-targets.ts';

describe('readTargets', () => {
  let folder: string;
  let model: Model;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlake-targets-'));
    model = await Model.load({ path: await writeCheckpoint(folder), provider: 'cpu' });
  });
  afterAll(async () => {
    await model.close();
    await rm(folder, { recursive: true });
  });

  it('reads what the graph says of the next token', async () => {
    const rows = [
      { tokens: [1, 2, 3], targets: [4] },
      { tokens: [5], targets: [0] },
    ];
    const prefix = await model.prefill([7, 8]);
    const whole = await model.forward({ rows, capture: { logits: true } }, { prefix });
    const readings = await readTargets(model, { rows, capture: {} }, { prefix });
    const logits = [0, 1].map((row) => [...whole.logits!.data.subarray(row * 19, (row + 1) * 19)]);
    expect([...readings.logit]).toEqual([logits[0]![4], logits[1]![0]]);
    expect([...readings.best]).toEqual(logits.map((values) => values.indexOf(Math.max(...values))));
    for (const row of [0, 1]) {
      expect(readings.logProbability[row]).toBeCloseTo(whole.logProbabilities!.data[row]!, 5);
      expect(Math.log(readings.probability[row]!)).toBeCloseTo(readings.logProbability[row]!, 5);
    }
  });

  it.each([[[]], [[1, 2]], [[19]], [[-1]]])('refuses the targets %j', async (targets) => {
    await expect(readTargets(model, { rows: [{ tokens: [1], targets }], capture: {} })).rejects.toThrow(
      InvalidArgumentError,
    );
  });
});
