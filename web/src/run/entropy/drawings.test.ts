import { expect, it } from 'vitest';
import { drawFeatures } from './features.ts';
import { drawPoints } from './points.ts';
import type { Comparison } from './queries.ts';
import { drawScatter, drawSpread } from './sequences.ts';

const COMPARISON: Comparison = {
  eta: 1e-6,
  deltaHTrue: -0.3,
  linear: -0.2,
  linquad: -0.25,
  nSequences: 4,
  checks: null,
  sequences: [
    { sequence: 0, weight: 0.5, tokenCount: 10, trueContrib: -0.2, linear: -0.1, linquad: -0.15 },
    { sequence: 1, weight: 0.5, tokenCount: 12, trueContrib: -0.1, linear: -0.1, linquad: -0.1 },
    { sequence: 2, weight: 0, tokenCount: 3, trueContrib: null, linear: 0, linquad: 0 },
  ],
};

it('draws the change at every learning rate, and what is predicted', () => {
  const point = { deltaHTrue: -1, linear: -0.9, linquad: null, ess: 2, nSequences: 2 };
  const update = { shape: 'diagnostics', normalization: 'per_token' };
  const drawing = drawPoints({
    run: {
      entropyUpdate: update,
      entropyPoints: [
        { ...point, eta: 1e-6 },
        { ...point, eta: 2e-6, deltaHTrue: null },
      ],
    },
  });
  expect(drawing?.legend?.map(({ label }) => label)).toEqual(['true change', 'linear']);
  expect(drawing?.rows).toHaveLength(2);
  expect(drawing?.description).toContain('nats per token');
  expect(drawPoints({ run: { entropyUpdate: update, entropyPoints: [] } })).toBeUndefined();
  expect(drawPoints({ run: null })).toBeUndefined();
});

it('draws the sequences that have both contributions, and says of how many', () => {
  expect(drawScatter(COMPARISON)?.rows).toEqual([
    { sequence: 0, tokens: 10, truth: -0.2, linear: -0.1, linquad: -0.15 },
    { sequence: 1, tokens: 12, truth: -0.1, linear: -0.1, linquad: -0.1 },
  ]);
  expect(drawScatter(COMPARISON)?.description).toContain('2 of 4 sequences');
  const spread = drawSpread(COMPARISON);
  expect(spread?.description).toContain('in sum -0.3 true, -0.2 linear, -0.25 with the quadratic term');
  const sum = (column: string) => spread?.rows.reduce((total, row) => total + Number(row[column]), 0);
  expect([sum('true'), sum('predicted')]).toEqual([2, 2]);
});

it('draws the linear prediction alone where there is no curvature', () => {
  const straight = {
    ...COMPARISON,
    linquad: null,
    sequences: COMPARISON.sequences.map((row) => ({ ...row, linquad: null })),
  };
  expect(drawScatter(straight)?.legend?.map(({ label }) => label)).toEqual(['linear', 'equal']);
  expect(drawSpread(straight)?.description).not.toContain('quadratic');
  expect(drawScatter({ ...COMPARISON, sequences: [] })).toBeUndefined();
  expect(drawSpread({ ...COMPARISON, sequences: [] })).toBeUndefined();
});

it('draws what features leave of the variance, the least first', () => {
  const metric = (scope: string, name: string, value: number) => ({
    scope,
    metric: name,
    value,
    source: 'reported',
    split: null,
    ciLow: null,
    ciHigh: null,
  });
  const drawing = drawFeatures([
    metric('feature:length', 'var_ratio_single', 0.99),
    metric('feature:var_logp', 'var_ratio_single', 0.91),
    metric('feature:var_logp', 'corr', -0.3),
    metric('overall', 'var_after_cv_joint', 0.9),
  ]);
  expect(drawing?.rows).toEqual([
    { feature: 'var_logp', ratio: 0.91, correlation: -0.3 },
    { feature: 'length', ratio: 0.99, correlation: undefined },
  ]);
  expect(drawing?.description).toContain('joint features together, 0.9');
  expect(drawFeatures([])).toBeUndefined();
});
