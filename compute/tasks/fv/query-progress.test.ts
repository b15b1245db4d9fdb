import { expect, it } from 'vitest';
import { Meter, type ProgressUpdate } from '../../jobs/meter.ts';
import { QueryProgress } from './query-progress.ts';

it('counts readings over all relation queries, those to come like those that are done', () => {
  const told: ProgressUpdate[] = [];
  const expected = new Map([
    ['Q1', 100],
    ['Q2', 100],
    ['Q3', 0],
  ]);
  const progress = new QueryProgress(expected, (update) => void told.push(update));
  const first = progress.of('Q1');
  first({ stage: 'clean means', done: 0 });
  first({ stage: 'heads', done: 40, total: 100 });
  first({ stage: 'heads', done: 100, total: 100 });
  first({ stage: 'injection', done: 20, total: 20 });
  progress.finish('Q1');
  const second = progress.of('Q2');
  second({ stage: 'heads', done: 10, total: 100 });
  expect(told.map(({ stage, done, total }) => [stage, done, total])).toEqual([
    ['Q1 (1 of 3): clean means', 0, 200],
    ['Q1 (1 of 3): heads 40 of 100', 40, 200],
    ['Q1 (1 of 3): heads 100 of 100', 100, 200],
    ['Q1 (1 of 3): injection 20 of 20', 120, 220],
    ['Q2 (2 of 3): heads 10 of 100', 130, 240],
  ]);
});

it('gives one end for all stages of a series', () => {
  const meter = new Meter();
  const told: ProgressUpdate[] = [];
  const progress = new QueryProgress(new Map([['Q', 100]]), (update) => void told.push(update));
  progress.of('Q')({ stage: 'heads', done: 0, total: 100 });
  progress.of('Q')({ stage: 'heads', done: 50, total: 100 });
  progress.of('Q')({ stage: 'injection', done: 10, total: 50 });
  const [, , last] = told.map((update, second) => meter.update(update, second * 1000));
  // 60 of 150 readings in two seconds.
  expect(last).toMatchObject({ stage: 'Q: injection 10 of 50', rate: 30, eta: 5000 });
  expect(meter.update({ stage: 'ingest', done: 0 }, 3000)).toMatchObject({ rate: null, eta: null });
});
