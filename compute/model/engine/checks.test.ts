import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../testing.ts';
import type { Batch, BatchResult } from './batch.ts';
import { checkModel } from './checks.ts';
import { type ForwardOptions, Model } from './model.ts';

let model: Model;
beforeAll(async () => {
  const path = await writeCheckpoint(await mkdtemp(join(tmpdir(), 'runlake-checks-')));
  model = await Model.load({ path, provider: 'cpu' });
});
afterAll(async () => {
  await model.close();
  await rm(model.checkpoint.directory, { recursive: true });
});

/** The model with a fault: what `damage` does to a result of certain batches. */
function faulty(
  when: (batch: Batch, options: ForwardOptions) => boolean,
  damage: (logits: Float32Array) => void,
): Model {
  return new Proxy(model, {
    get(target, name) {
      if (name === 'forward') {
        return async (batch: Batch, options: ForwardOptions = {}): Promise<BatchResult> => {
          const result = await target.forward(batch, options);
          if (result.logits !== undefined && when(batch, options)) damage(result.logits.data);
          return result;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const failed = async (broken: Model) => {
  const verdict = await checkModel(broken);
  expect(verdict.passed).toBe(verdict.checks.every((check) => check.passed));
  return verdict.checks.filter((check) => !check.passed).map((check) => check.name);
};
const shift = (logits: Float32Array) => {
  logits[0]! += 0.01;
};

describe('the self-checks', () => {
  it('pass on a sound model', async () => expect(await failed(model)).toEqual([]));

  it.each<[string, (batch: Batch, options: ForwardOptions) => boolean]>([
    ['full pass = prefix pass', (_, { prefix }) => prefix !== undefined],
    ['full pass = pass in steps', (_, { past }) => past !== undefined],
    ['neutral edit = baseline', ({ rows }) => rows[0]!.add !== undefined],
    [
      'own heads put back = baseline',
      ({ rows }) => rows.length === 1 && rows[0]!.replace?.heads.length === 4,
    ],
    [
      'begun late = from the beginning',
      ({ rows }) => rows.length === 1 && rows[0]!.replace?.heads.length === 2,
    ],
  ])('find a fault in: %s', async (name, when) => {
    expect(await failed(faulty(when, shift))).toEqual([name]);
    expect(await failed(faulty(when, (logits) => logits.fill(Number.NaN, 0, 1)))).toEqual([name]);
  });

  it('find a row that depends on its neighbours', async () => {
    const broken = faulty(
      ({ rows }) => rows.length > 1,
      (logits) => {
        logits[2 * 19]! += 0.01;
      },
    );
    expect(await failed(broken)).toEqual(['alone = in a batch']);
  });
});
