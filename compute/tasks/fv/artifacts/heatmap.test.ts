import { describe, expect, it } from 'vitest';
import { headScores } from '../scores/head-scores.ts';
import { headsOf } from '../sweep/head-sweep.ts';
import { heatmap } from './heatmap.ts';

const sizes = { layers: 2, heads: 3, headDim: 1 };
const reading = (p: number) => ({ p, logit: 0, logprob: 0, best: 0 });

function svgOf(probabilities: readonly number[]): string {
  const heads = headsOf(sizes);
  const sweep = { base: reading(0.5), patched: probabilities.map(reading) };
  const scores = headScores(heads, [sweep], new Float32Array(6), sizes);
  return heatmap(scores, [{ layer: 1, head: 2 }], { title: 'Q1 <mixed>', scoreKey: 'mean_delta_p' });
}

describe('heatmap', () => {
  it('has a square a head from cold to warm, and a dot on the chosen ones', () => {
    const svg = svgOf([0.1, 0.5, 0.5, 0.5, 0.5, 0.9]);
    expect(svg.match(/<title>/g)).toHaveLength(6);
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect(svg).toContain('fill="rgb(59,76,192)"><title>layer 0, head 0: -0.4');
    expect(svg).toContain('fill="rgb(180,4,38)"><title>layer 1, head 2: 0.4');
    expect(svg).toContain('fill="rgb(221,221,221)"><title>layer 0, head 1: 0<');
    expect(svg).toContain('Q1 &#60;mixed&#62;');
  });

  it('is grey where nothing has an effect, and where it is no number', () => {
    expect(svgOf([0.5, 0.5, 0.5, 0.5, 0.5, Number.NaN]).match(/rgb\(221,221,221\)/g)).toHaveLength(6);
  });
});
