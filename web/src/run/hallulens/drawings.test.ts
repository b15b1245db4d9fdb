import { describe, expect, it } from 'vitest';
import { middleFirst } from './activation-plots.tsx';
import { drawComponents } from './components.ts';
import { drawLayers, named } from './layers.ts';
import { drawTraining } from './training.ts';

describe('AUROC by layer', () => {
  const metric = (scope: string, value: number | null) => ({
    scope,
    metric: 'auroc',
    value,
    ciLow: 0.5,
    ciHigh: 0.9,
    source: 'reported',
    split: 'test',
  });

  it('has the layers in their order, and what controls reach', () => {
    const drawing = drawLayers([
      metric('layer:10', 0.8),
      metric('layer:2', 0.7),
      metric('layer:3', null),
      metric('control:shuffled_labels', 0.5),
      metric('overall', 0.8),
    ]);
    expect(drawing?.rows).toEqual([
      { layer: 2, auroc: 0.7, low: 0.5, high: 0.9 },
      { layer: 10, auroc: 0.8, low: 0.5, high: 0.9 },
      { control: 'shuffled labels', auroc: 0.5 },
    ]);
    expect(drawLayers([metric('overall', 0.8)])).toBeUndefined();
  });

  it('writes names that would lie on each other in one line', () => {
    expect(
      named([
        { control: 'b', auroc: 0.52 },
        { control: 'a', auroc: 0.5 },
        { control: 'c', auroc: 0.7 },
      ]),
    ).toEqual([
      { control: 'a, b', auroc: 0.5 },
      { control: 'c', auroc: 0.7 },
    ]);
  });
});

describe('training', () => {
  const row = { auroc: null, cosineSim: null, extra: null };
  const nodes = [
    { ...row, step: 0, epoch: 0, split: 'train', loss: 0.7, lr: 0.1 },
    { ...row, step: 1, epoch: 0, split: 'val', loss: 0.8, lr: null },
    { ...row, step: 2, epoch: 1, split: 'train', loss: 0.6, lr: 0.01 },
  ];

  it('is a plot for each number that was logged, a line a split', () => {
    const [loss, rate, ...others] = drawTraining({ trainMetrics: { nodes, totalCount: 3 } });
    expect(others).toEqual([]);
    expect(loss?.title).toBe('Loss');
    expect(loss?.description).toBe('By epoch; at the end train 0.6, val 0.8.');
    expect(loss?.legend?.map(({ label, sign }) => [label, sign])).toEqual([
      ['train', 'line'],
      ['val', 'dashed'],
    ]);
    expect(rate?.title).toBe('Learning rate');
    expect(rate?.rows).toEqual([
      { epoch: 0, split: 'train', part: undefined, lr: 0.1 },
      { epoch: 1, split: 'train', part: undefined, lr: 0.01 },
    ]);
  });

  it('goes by steps without epochs, leaves a constant rate out, and says what it leaves out', () => {
    const steady = nodes.map((line) => ({ ...line, epoch: null, lr: 0.1 }));
    const drawings = drawTraining({ trainMetrics: { nodes: steady, totalCount: 20_000 } });
    expect(drawings.map(({ title }) => title)).toEqual(['Loss']);
    expect(drawings[0]?.description).toContain('By step');
    expect(drawings[0]?.description).toContain('The first 3 of 20,000 lines.');
    expect(drawTraining({ trainMetrics: { nodes: [], totalCount: 0 } })).toEqual([]);
  });
});

describe('a log of several curves', () => {
  const line = (step: number, epoch: number, loss: number, extra: unknown) => ({
    step,
    epoch,
    loss,
    extra,
    split: 'train',
    auroc: null,
    cosineSim: null,
    lr: null,
  });
  const drawn = (nodes: readonly ReturnType<typeof line>[]) =>
    drawTraining({ trainMetrics: { nodes: [...nodes], totalCount: nodes.length } })[0];

  it('keeps layers apart', () => {
    const drawing = drawn([
      line(0, 0, 0.7, { layer: 1 }),
      line(1, 1, 0.5, { layer: 1 }),
      line(2, 0, 0.8, { layer: 2 }),
      line(3, 1, 0.4, { layer: 2, validation_auroc: 0.7 }),
    ]);
    expect(drawing?.rows.map(({ part }) => part)).toEqual(['layer 1', 'layer 1', 'layer 2', 'layer 2']);
    expect(drawing?.description).toBe('By epoch; at the end train layer 1 0.5, train layer 2 0.4.');
  });

  it('keeps attempts apart, whose epochs begin again', () => {
    const again = [0, 1, 2, 3, 4].flatMap((attempt) => [
      line(2 * attempt, 0, 0.7, null),
      line(2 * attempt + 1, 1, 0.5 - attempt / 10, null),
    ]);
    expect(
      drawn(again)
        ?.rows.map(({ part }) => part)
        .slice(0, 6),
    ).toEqual([undefined, undefined, 'attempt 2', 'attempt 2', 'attempt 3', 'attempt 3']);
    expect(drawn(again)?.description).toBe('By epoch; 5 curves, at the end between 0.1 and 0.5.');
  });
});

describe('principal components', () => {
  const found = {
    layer: 3,
    n: 10,
    nUndefined: 1,
    components: [{ explainedVarianceRatio: 0.4 }, { explainedVarianceRatio: 0.2 }],
    points: [
      { exampleId: 'a', tokenIndex: 2, halu: true, scores: [1, 2] },
      { exampleId: 'b', tokenIndex: null, halu: null, scores: [3, 4] },
    ],
  };

  it('have labels by shape and colour, and how much they explain', () => {
    const drawing = drawComponents({ pcaActivations: [found] });
    expect(drawing?.legend?.map(({ label }) => label)).toEqual(['made up', 'not labelled']);
    expect(drawing?.description).toContain('2 of 10 activations, evenly spaced');
    expect(drawing?.description).toContain('1 with infinite values or NaN are left out');
    expect(drawing?.plot.x?.label).toMatch(/^component 1 \(40\s% of the variance\)$/);
    expect(drawing?.rows[0]).toEqual({
      exampleId: 'a',
      tokenIndex: 2,
      label: 'made up',
      first: 1,
      second: 2,
    });
  });

  it('are not drawn with less than two directions', () => {
    expect(drawComponents({ pcaActivations: [] })).toBeUndefined();
    expect(
      drawComponents({ pcaActivations: [{ ...found, components: found.components.slice(0, 1) }] }),
    ).toBeUndefined();
  });

  it('begin with the layer in the middle', () => {
    expect(middleFirst([0, 4, 8])).toEqual([4, 0, 8]);
    expect(middleFirst([])).toEqual([]);
  });
});
