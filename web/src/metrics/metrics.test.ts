import { expect, it } from 'vitest';
import { directionOf } from './direction.ts';
import { headlineOf, metricOf } from './headline.ts';
import type { RunMetric } from './run-metric.ts';
import { type Estimate, standings } from './standing.ts';

const metric = (name: string, value: number | null, rest: Partial<RunMetric> = {}): RunMetric => ({
  ...{ scope: 'overall', split: null, ciLow: null, ciHigh: null, source: 'reported' },
  ...{ metric: name, value, ...rest },
});

it('takes the number that is about the whole run, on its split, as reported', () => {
  const numbers = [
    metric('acc', 1, { scope: 'filter:strict' }),
    metric('acc', 2, { split: 'train' }),
    metric('acc', 3, { source: 'recomputed' }),
    metric('acc', 4, { split: 'test' }),
    metric('acc', null),
  ];
  const taken = [5, 3, 2, 1].map((n) => metricOf(numbers.slice(0, n), 'acc', 'test')?.value);
  expect(taken).toEqual([4, 3, 2, 1]);
  expect(metricOf(numbers, 'f1', 'test')).toBeUndefined();
});

it('judges a run by the first headline that it has', () => {
  expect(headlineOf([metric('f1', 1), metric('accuracy', 2), metric('auroc', null)], null)?.metric).toBe(
    'accuracy',
  );
  expect(headlineOf([metric('n_test', 1)], null)).toBeUndefined();
});

it('knows the good end of a metric, or that it knows none', () => {
  expect(['auroc', 'pass@10', 'ece', 'n_examples'].map(directionOf)).toEqual([
    'higher',
    'higher',
    'lower',
    undefined,
  ]);
});

it('tells the best and what may be as good', () => {
  const estimate = (value: number | null, half?: number): Estimate => ({
    value,
    low: value === null || half === undefined ? null : value - half,
    high: value === null || half === undefined ? null : value + half,
  });
  const some = [estimate(0.9, 0.1), estimate(0.75, 0.05), estimate(0.6, 0.05), estimate(0.85), undefined];
  expect(standings(some, 'higher')).toEqual(['best', 'tied', undefined, 'tied', undefined]);
  expect(standings(some, 'lower')).toEqual([undefined, undefined, 'best', undefined, undefined]);
  expect(standings(some, undefined)).toEqual(some.map(() => undefined));
  // One number is best of nothing; equal ones are all best.
  expect(standings([estimate(0.9), estimate(null)], 'higher')).toEqual([undefined, undefined]);
  expect(standings([estimate(1), estimate(1)], 'higher')).toEqual(['best', 'best']);
});
