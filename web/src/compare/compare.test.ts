import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareAddress } from './address.ts';
import { membersOf } from './differences.ts';
import { labelsOf } from './labels.ts';
import type { ComparedRun, Paired } from './queries.ts';
import { findingsOf, verdictOf } from './verdict.ts';
import { compareParameters, compareViewOf, DISAGREEMENTS } from './view.ts';

it('reads from an address the comparison that it was made of', () => {
  const runs = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(runs, fc.nat(), fc.option(fc.constantFrom(...DISAGREEMENTS)), (ids, n, by) => {
      const view = {
        runs: ids,
        scope: 'layer:1',
        source: 'recomputed' as const,
        other: ids[1 + (n % (ids.length - 1))],
        by: by ?? undefined,
      };
      expect(compareViewOf(new URLSearchParams(compareParameters(view).toString()))).toEqual(view);
    }),
  );
  expect(compareViewOf(new URLSearchParams(compareAddress(['a', 'b', 'a']).split('?')[1]))).toEqual({
    runs: ['a', 'b'],
    scope: 'overall',
    source: 'reported',
    other: 'b',
    by: undefined,
  });
});

it('puts members of configurations side by side', () => {
  const members = membersOf([
    { seed: 0, inference: { stop: ['a'], n: 1 }, 'a/b': {} },
    { seed: 1, inference: { n: 1 }, 'a/b': {} },
    null,
  ]);
  expect(members).toEqual([
    { pointer: '/a~1b', values: [{}, {}, undefined], differs: true },
    { pointer: '/inference/n', values: [1, 1, undefined], differs: true },
    { pointer: '/inference/stop', values: [['a'], undefined, undefined], differs: true },
    { pointer: '/seed', values: [0, 1, undefined], differs: true },
  ]);
  expect(membersOf([{ a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }])[0]?.differs).toBe(false);
});

it('says that documents differ where a member does, whatever they are', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      expect(membersOf([{ value }, structuredClone({ value })]).some(({ differs }) => differs)).toBe(false);
      expect(
        membersOf([
          { value, a: 1 },
          { value, a: 2 },
        ]).filter(({ differs }) => differs),
      ).toEqual([{ pointer: '/a', values: [1, 2], differs: true }]);
    }),
  );
});

it('names runs by what differs between them, else by their ids', () => {
  const run = (id: string, rest: Partial<ComparedRun> = {}): ComparedRun => ({
    ...{
      id,
      family: 'F',
      method: 'm',
      modelId: null,
      benchmark: 'b',
      split: null,
      seed: 0,
      status: 'completed',
    },
    ...{ verdict: null, gitCommit: null, gitDirty: null, nGenerations: 0, nPredictions: 0 },
    ...{ config: null, manifest: null, metrics: [], ...rest },
  });
  expect(labelsOf([run('x'), run('y', { method: 'n', seed: 3 })])).toEqual(['m, seed 0', 'n, seed 3']);
  expect(labelsOf([run('x/y/1'), run('x/y/2')])).toEqual(['y/1', 'y/2']);
});

it('calls a run better where the test that is to be quoted says so', () => {
  const estimate = (value: number) => ({ value, low: null, high: null, confidence: 0.95, interval: '' });
  const test = (pValue: number | null, adjustedPValue: number | null = null) => ({
    ...{ method: 't', correction: null, pValue, adjustedPValue },
  });
  const correctness = {
    ...{
      scope: 'overall',
      n: 10,
      accuracyA: estimate(0.5),
      accuracyB: estimate(0.7),
      difference: estimate(0.2),
    },
    ...{ test: test(0.001), clusteredTest: test(0.2) },
  };
  const paired: Paired = {
    ...{ common: 10, onlyInA: 0, onlyInB: 0, repeated: 0, notes: [] },
    counts: { lost: 0, gained: 2, changed: 0, same: 8, incomparable: 0 },
    correctness,
    scopes: [
      { ...correctness, scope: 'family:x', clusteredTest: null },
      { ...correctness, scope: 'family:y', test: test(0.01, 0.06), clusteredTest: null },
    ],
    ranking: {
      ...{ n: 10, aurocA: estimate(0.9), aurocB: estimate(0.8), difference: estimate(-0.1) },
      ...{ test: test(0.04), clusteredTest: null },
    },
  };
  expect(findingsOf(paired).map((finding) => [finding.measure, verdictOf(finding)])).toEqual([
    ['AUROC', 'first'],
    ['accuracy', 'undecided'],
    ['accuracy, family:x', 'second'],
    ['accuracy, family:y', 'undecided'],
  ]);
});
