import { describe, expect, it } from 'vitest';
import { drawHeads } from './heads.ts';
import { drawInjections, pointsOf, querySetsOf } from './injections.ts';
import type { FoundHeads, Injection } from './queries.ts';

const HEADS: FoundHeads = {
  fvHeatmap: {
    layers: 2,
    heads: 3,
    missing: 1,
    matrix: [
      [0.1, -0.2, null],
      [0.4, 0, 0.3],
    ],
    boundaryGap: 0.2,
    topHeads: [
      { rank: 1, layer: 1, head: 0, score: 0.4, selected: true, tied: false },
      { rank: 2, layer: 1, head: 2, score: 0.3, selected: false, tied: false },
    ],
  },
};

describe('heads', () => {
  it('are cells with their effect and rank', () => {
    const drawing = drawHeads(HEADS, 'mean_delta_p');
    expect(drawing?.rows).toEqual([
      { layer: 0, head: 0, effect: 0.1, rank: undefined },
      { layer: 0, head: 1, effect: -0.2, rank: undefined },
      { layer: 1, head: 0, effect: 0.4, rank: 1 },
      { layer: 1, head: 1, effect: 0, rank: undefined },
      { layer: 1, head: 2, effect: 0.3, rank: 2 },
    ]);
    // Nothing is white: the scale is as wide to both sides.
    expect(drawing?.ramp).toEqual({ label: 'change of probability', low: -0.4, high: 0.4 });
    expect(drawing?.description).toContain(
      'the top 2, numbers are their ranks; the first is block 1 head 0 with 0.4; 1 head has no score',
    );
  });

  it('are not drawn where there are none', () => {
    expect(drawHeads({ fvHeatmap: null }, 'dla')).toBeUndefined();
  });
});

function injection(layer: number, accWith: number, more: Partial<Injection> = {}): Injection {
  return {
    layer,
    vectorKind: null,
    querySet: null,
    accBase: 0.25,
    accWith,
    meanPBase: null,
    meanPWith: null,
    meanLogprobBase: null,
    meanLogprobWith: null,
    nEval: 10,
    ...more,
  };
}

describe('injections', () => {
  const rows = [
    injection(0, 0.3),
    injection(1, 0.8),
    injection(1, 0.2, { vectorKind: 'random_vector' }),
    injection(1, 0.4, { vectorKind: 'random_vector' }),
    injection(1, 0.5, { querySet: 'held_out' }),
  ];

  it('are averaged over draws, between the least and the greatest', () => {
    expect(pointsOf(rows.slice(2, 4), 'accuracy')).toEqual([
      { vector: 'random_vector', layer: 1, value: expect.closeTo(0.3, 12), low: 0.2, high: 0.4, of: 2 },
    ]);
    expect(pointsOf(rows, 'probability')).toEqual([]);
  });

  it('are on held-out pairs where there are some, unless others are asked for', () => {
    expect(querySetsOf(rows)).toEqual(['held_out', 'extraction']);
    expect(drawInjections(rows, 'accuracy', undefined)?.description).toContain('on held-out pairs (10) with');
    const drawing = drawInjections(rows, 'accuracy', 'extraction');
    expect(drawing?.description).toContain('at best 0.8 behind block 1, 0.25 with nothing added');
    expect(drawing?.legend?.map(({ label }) => label)).toEqual([
      'function vector',
      'random vector of its length',
      'nothing added',
    ]);
    expect(drawing?.rows).toHaveLength(3);
  });

  it('are not drawn where there are none', () => {
    expect(drawInjections([], 'accuracy', undefined)).toBeUndefined();
    expect(drawInjections(rows, 'probability', undefined)).toBeUndefined();
  });
});
