import { expect, it } from 'vitest';
import type { MetricRow } from '../metrics.ts';
import { drawBias, drawFamilies, familyBiases, familyScores } from './families.ts';

function metric(scope: string, name: string, value: number | null, source = 'recomputed'): MetricRow {
  return { scope, metric: name, value, source, split: null, ciLow: null, ciHigh: null };
}

const METRICS = [
  metric('overall', 'correct', 60),
  metric('overall', 'valid', 100),
  metric('family:atomic', 'correct', 9, 'reported'),
  metric('family:atomic', 'correct', 40),
  metric('family:atomic', 'valid', 60),
  metric('family:atomic', 'total', 70),
  metric('family:multi_hop', 'correct', 30, 'reported'),
  metric('family:multi_hop', 'valid', 40, 'reported'),
  metric('family:silent', 'correct', 0),
  metric('family:silent', 'valid', 0),
  metric('split:unknown', 'correct', 1),
  metric('family:atomic', 'pred_true_rate', 0.75),
  metric('family:atomic', 'gt_true_rate', 0.5),
  metric('family:silent', 'pred_true_rate', 0),
  metric('family:silent', 'gt_true_rate', 0),
  metric('overall', 'pred_true_rate', 0.25),
  metric('overall', 'gt_true_rate', 0.5),
  metric('family:multi_hop', 'gt_true_rate', null),
];

it('has the accuracy of every family that answered, the best first and all items at the end', () => {
  expect(familyScores(METRICS).map(({ family, accuracy, total }) => [family, accuracy, total])).toEqual([
    ['multi_hop', 0.75, undefined],
    ['atomic', 40 / 60, 70],
    ['all items', 0.6, undefined],
  ]);
  const [, { low, high } = { low: 0, high: 0 }] = familyScores(METRICS);
  // scipy.stats.binomtest(40, 60).proportion_ci(method='wilson')
  expect([low, high]).toEqual([expect.closeTo(0.5405686645, 9), expect.closeTo(0.7727073848, 9)]);
});

it('has the bias with its sign', () => {
  expect(familyBiases(METRICS).map(({ family, bias }) => [family, bias])).toEqual([
    ['atomic', 0.25],
    ['all items', -0.25],
  ]);
});

it('draws what there is', () => {
  expect(drawFamilies(METRICS)?.rows).toHaveLength(3);
  expect(drawFamilies(METRICS)?.description).toMatch(/60\s%/);
  expect(drawFamilies(METRICS)?.description).toContain('No valid answer: silent.');
  expect(drawBias(METRICS)?.rows).toHaveLength(2);
  expect([drawFamilies([]), drawBias([])]).toEqual([undefined, undefined]);
});
