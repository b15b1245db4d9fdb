import { expect, it } from 'vitest';
import type { Injection } from '../run/fv/queries.ts';
import type { MetricRow } from '../run/metrics.ts';
import { entropyText, evaluationText, headsText, injectionText, layersText } from './sentences.ts';

const metric = (
  scope: string,
  name: string,
  value: number,
  interval?: readonly [number, number],
): MetricRow => ({
  scope,
  metric: name,
  value,
  ciLow: interval?.[0] ?? null,
  ciHigh: interval?.[1] ?? null,
  split: 'test',
  source: 'reported',
});

it('layers are told with what they have to beat', () => {
  const layers = [metric('layer:1', 'auroc', 0.7), metric('layer:2', 'auroc', 0.8, [0.75, 0.85])];
  const best = 'A probe of the activations does best at layer 2: AUROC 0.8 [0.75, 0.85].';
  expect(layersText(layers)).toBe(best);
  expect(
    layersText([
      ...layers,
      metric('control:length', 'auroc', 0.6),
      metric('control:mean_logprob', 'auroc', 0.75),
      metric('control:shuffled_labels', 'auroc', 0.99),
    ]),
  ).toBe(
    `${best} Without activations, mean logprob reaches 0.75, which 1 of 2 layers exceed; length alone gets 0.6.`,
  );
  expect(layersText([...layers, metric('control:tfidf', 'auroc', 0.9)])).toBe(
    `${best} Without activations, tfidf reaches 0.9, which no layer does.`,
  );
  expect(layersText([metric('overall', 'auroc', 0.9)])).toBeUndefined();
});

it('heads are told with where they lie', () => {
  const head = (rank: number, layer: number, score: number) => ({
    rank,
    layer,
    head: rank,
    score,
    selected: true,
    tied: false,
  });
  const heatmap = { layers: 4, heads: 8, missing: 0, matrix: [], boundaryGap: null };
  expect(headsText({ fvHeatmap: { ...heatmap, topHeads: [head(1, 3, 0.25), head(2, 1, 0.1)] } })).toMatch(
    /^Head 1 of block 3 carries most: .* by 0\.25\. The top 2 of 32 heads lie in blocks 1 to 3\.$/,
  );
  expect(headsText({ fvHeatmap: { ...heatmap, topHeads: [] } })).toBeUndefined();
  expect(headsText({ fvHeatmap: null })).toBeUndefined();
});

it('injections are told at the best layer, with their controls there', () => {
  const row = (layer: number, vectorKind: string, accWith: number, querySet = 'held_out'): Injection => ({
    layer,
    vectorKind,
    querySet,
    accBase: 0.05,
    accWith,
    meanPBase: null,
    meanPWith: null,
    meanLogprobBase: null,
    meanLogprobWith: null,
    nEval: 20,
  });
  const rows = [
    row(1, 'function_vector', 0.5),
    row(2, 'function_vector', 1),
    row(2, 'random_vector', 0),
    row(2, 'random_vector', 0.4),
    row(1, 'other_query', 0.9),
    row(3, 'function_vector', 1, 'extraction'),
  ];
  expect(injectionText(rows)?.replaceAll('\u00a0', ' ')).toBe(
    'Adding it behind block 2 raises zero-shot accuracy on held-out pairs from 5.0 % to 100 %; a random vector of its length gives 20 %.',
  );
  expect(injectionText([row(0, 'function_vector', 0)])).toContain('changes zero-shot accuracy');
  expect(injectionText([])).toBeUndefined();
});

it('evaluations are told with what could not be read', () => {
  const numbers = [metric('overall', 'correct', 34), metric('overall', 'valid', 35)];
  expect(evaluationText(numbers)).toMatch(/^34 of 35 answers are right \(95 % between .*\)\.$/);
  expect(evaluationText([...numbers, metric('overall', 'total', 56)])).toContain(
    'to 21 of 56 questions there is none',
  );
  expect(evaluationText([])).toBeUndefined();
});

it('changes of entropy are told at the ends of the learning rates', () => {
  const point = (eta: number, deltaHTrue: number | null, linear: number | null, linquad: number | null) => ({
    eta,
    deltaHTrue,
    linear,
    linquad,
    ess: null,
    nSequences: null,
  });
  const points = [point(0.5, -1, -0.9, null), point(1, null, -2, null), point(2, -4, -3, null)];
  expect(entropyText(points)).toBe(
    'With the linear term: at η = 0.5 entropy changes by -1, and -0.9 was predicted; at η = 2 entropy changes by -4, and -3 was predicted.',
  );
  expect(entropyText([point(1, -1, -2, -1.5)])).toBe(
    'With the linear and quadratic terms: at η = 1 entropy changes by -1, and -1.5 was predicted.',
  );
  expect(entropyText([point(1, null, 1, 1)])).toBeUndefined();
});
