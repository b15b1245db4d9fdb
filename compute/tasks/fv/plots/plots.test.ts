import { describe, expect, it } from 'vitest';
import { headScores } from '../scores/head-scores.ts';
import { headsOf } from '../sweep/head-sweep.ts';
import { diverging, symmetricScale } from './colours.ts';
import { heatmap } from './heatmap.ts';
import { injectionCurve } from './injection-curve.ts';
import { scoreLabel } from './labels.ts';
import { png } from './png.ts';
import { indexTicks, niceTicks, tickLabel } from './scale.ts';
import { text } from './svg.ts';
import { topHeadsPlot } from './top-heads.ts';

const sizes = { layers: 2, heads: 3, headDim: 1 };
const reading = (p: number) => ({ p, logit: 0, logprob: 0, best: 0 });
const caption = { title: 'Q1 <mixed>', details: ['tiny, 2 trials'] };

/** Scores of six heads whose change of probability is as given, in each of two trials. */
function scoresOf(changes: readonly number[], subset = {}) {
  const heads = headsOf(sizes, subset);
  const sweep = (noise: number) => ({
    base: reading(0.5),
    patched: changes.map((change) => reading(0.5 + change + noise)),
  });
  return headScores(heads, [sweep(0.01), sweep(-0.01)], new Float32Array(6), sizes);
}

const fills = (svg: string) =>
  [...svg.matchAll(/fill="(#\w+)"><title>layer (\d), head (\d)/g)].map(([, colour]) => colour);

describe('heatmap', () => {
  it('has a square a head, blue below zero, white at it, red above, and the ranks of the chosen ones', () => {
    const svg = heatmap(scoresOf([-0.4, 0, 0, 0, 0, 0.4]), [{ layer: 1, head: 2 }], 'mean_delta_p', caption);
    expect(fills(svg)).toEqual(['#053061', '#f7f7f7', '#f7f7f7', '#f7f7f7', '#f7f7f7', '#67001f']);
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect(svg).toContain('Q1 &#60;mixed&#62;');
    expect(svg).toContain('mean change in the probability of the answer');
  });

  it('has the same limit on both sides', () => {
    const svg = heatmap(scoresOf([-0.1, 0, 0, 0, 0, 0.4]), [], 'mean_delta_p', caption);
    const [cold, , , , , warm] = fills(svg);
    expect(cold).not.toBe('#053061');
    expect(warm).toBe('#67001f');
  });

  it('is white where nothing has an effect or is a number, and leaves out what was not swept', () => {
    expect(
      new Set(fills(heatmap(scoresOf([0, 0, 0, 0, 0, Number.NaN]), [], 'mean_delta_p', caption))),
    ).toEqual(new Set(['#f7f7f7']));
    const some = scoresOf([0.1, 0.2], { layers: [1], heads: [0, 2] });
    expect(fills(heatmap(some, [], 'mean_delta_p', caption))).toHaveLength(2);
  });
});

describe('topHeadsPlot', () => {
  it('has the heads by rank with their standard error, and the number in each layer', () => {
    const [a, b, c] = scoresOf([0.3, 0.1, -0.2, 0, 0, 0]);
    const svg = topHeadsPlot([a!, b!, c!], 2, 'mean_delta_p', caption);
    // The deviation over two trials that differ by 0.02 is 0.01, and so is the standard error of their mean.
    expect(svg).toMatch(/layer 0, head 0: 0\.3\d* ± 0\.01/);
    expect(svg).toContain('<title>layer 0: 3</title>');
    expect(svg).not.toContain('<title>layer 1:');
    expect(topHeadsPlot([], 2, 'mean_act_norm', caption)).toContain('by rank');
  });
});

describe('injectionCurve', () => {
  it('has a line a vector and the baseline, and leaves out what is no number', () => {
    const svg = injectionCurve(
      {
        layers: [0, 1, 2],
        levels: [{ name: 'without a vector', accuracy: 0.25, p: 0.2 }],
        series: [
          { name: 'function vector', accuracy: [0, 1, 0.5], p: [0, 0.9, Number.NaN] },
          { name: 'random vector', accuracy: [0, 0, 0], p: [0, 0, 0] },
        ],
      },
      caption,
    );
    expect(svg.match(/<polyline/g)).toHaveLength(4);
    expect(svg.match(/<circle/g)).toHaveLength(11);
    expect(svg).toContain('function vector, layer 1: 0.9');
    expect(svg).not.toContain('NaN');
  });
});

describe('parts of plots', () => {
  it('puts every score on a scale that is linear about zero and logarithmic beyond', () => {
    expect(symmetricScale([0, Number.NaN, 0])).toBeUndefined();
    const { threshold, limit, exceeded, place } = symmetricScale([-1, 1, 10, -100])!;
    expect(threshold).toBe(1);
    expect(exceeded).toBe(true);
    expect(symmetricScale([-2, 2])).toMatchObject({ limit: 2, exceeded: false });
    expect(place(limit)).toBeCloseTo(1);
    expect(place(-10)).toBeCloseTo(-place(10));
    // A decade is as wide everywhere beyond the threshold.
    expect(place(100) - place(10)).toBeCloseTo(place(10) - place(1));
    expect(place(0.5)).toBeCloseTo(place(1) / 2);
    expect([diverging(-2), diverging(0), diverging(2)]).toEqual(['#053061', '#f7f7f7', '#67001f']);
  });

  it('finds round numbers', () => {
    expect(niceTicks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(niceTicks(-0.013, 0.12)).toEqual([-0.05, 0, 0.05, 0.1, 0.15]);
    expect(niceTicks(0, 2, { leastStep: 1 })).toEqual([0, 1, 2]);
    expect(indexTicks(6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(indexTicks(80)).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75]);
    expect([0, -0.05, 1e-7, 123456].map(tickLabel)).toEqual(['0', '\u22120.05', '1.0e\u22127', '123000']);
  });

  it('says what a score is', () => {
    expect(scoreLabel('mean_abs_delta_logprob')).toBe(
      'mean absolute change in the log-probability of the answer (nats)',
    );
    expect(scoreLabel('std_p_base')).toBe(
      'standard deviation of the probability of the answer, corrupted prompt',
    );
    expect(scoreLabel('clean_mean_norm')).toBe("norm of the head's mean output");
  });

  it('carries any text', () => {
    expect(text(0, 0, '<&"\u0001\ud800')).toBe('<text x="0" y="0">&#60;&#38;&#34;\ufffd\ufffd</text>');
  });

  it('draws the same picture each time, twice as large as its drawing', async () => {
    const svg = heatmap(scoresOf([-0.4, 0, 0, 0, 0, 0.4]), [], 'mean_delta_p', caption);
    const picture = Buffer.from(await png(svg));
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect(picture.readUInt32BE(16)).toBe(2 * Number(/width="(\d+)"/.exec(svg)?.[1]));
    expect(await png(svg)).toEqual(new Uint8Array(picture));
  });
});
