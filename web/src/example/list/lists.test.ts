import { describe, expect, it } from 'vitest';
import { listNamed, listsOf } from './lists.ts';
import { among } from './neighbours.ts';
import { errorOf, ordered, SEQUENCE_ORDERS } from './sequences.ts';

describe('lists', () => {
  const run = { id: 'r', family: 'HALLULENS', nGenerations: 3, nPredictions: 2 };

  it('are those that a run has rows for', () => {
    expect(listsOf(run).map(({ name }) => name)).toEqual([
      'missed',
      'alarms',
      'highest',
      'file',
      'answers',
      'answers-file',
    ]);
    expect(listsOf({ ...run, nPredictions: 0 })[0]?.name).toBe('answers');
    expect(listsOf({ ...run, family: 'CHAOSBENCH' })[0]?.name).toBe('wrong');
    expect(listsOf({ ...run, family: 'CHAOSBENCH', nPredictions: 0 })).toEqual([]);
  });

  it('tell all rows of an example apart', () => {
    for (const family of ['HALLULENS', 'CHAOSBENCH', 'LM_EVAL']) {
      for (const { keys } of listsOf({ ...run, family })) {
        expect(keys.map(({ field }) => field)).toEqual(expect.arrayContaining(['exampleId', 'sourceLine']));
      }
    }
  });

  it('are found by the names in addresses, else in the order of the file', () => {
    expect(listNamed(run, 'alarms', undefined)?.name).toBe('alarms');
    expect(listNamed(run, undefined, undefined)?.name).toBe('file');
    expect(listNamed({ ...run, nPredictions: 0 }, undefined, undefined)?.name).toBe('answers-file');
    const fv = { ...run, family: 'FV' };
    expect(listNamed(fv, 'most', '8')?.filter).toMatchObject({ layer: { eq: 8 } });
    expect(listNamed(fv, 'trials', '2.3')?.filter).toEqual({ layer: { eq: 2 }, head: { eq: 3 } });
    expect(listNamed(fv, 'most', undefined)).toBeUndefined();
  });
});

it('orders sequences by how far predictions are off', () => {
  const row = (
    sequence: number,
    trueContrib: number | null,
    linear: number | null,
    linquad: number | null,
  ) => ({
    sequence,
    trueContrib,
    linear,
    linquad,
    weight: null,
    tokenCount: null,
  });
  const rows = [row(0, 1, 1, 1), row(1, 1, 5, -2), row(2, null, 1, 1), row(3, 1, 2, null)];
  expect(rows.map(errorOf)).toEqual([0, 3, null, -1]);
  const [byError] = SEQUENCE_ORDERS;
  expect(byError && ordered(rows, byError).map(({ sequence }) => sequence)).toEqual([1, 3, 0, 2]);
});

it('finds the neighbours in a list that is here as a whole', () => {
  expect(among('t', ['a', 'b', 'c'], 'a')).toEqual({
    title: 't',
    position: 1,
    total: 3,
    previous: undefined,
    next: { example: 'b' },
  });
  expect(among('t', ['a', 'b'], 'b')?.previous).toEqual({ example: 'a' });
  expect(among('t', ['a'], 'x')).toBeUndefined();
});
