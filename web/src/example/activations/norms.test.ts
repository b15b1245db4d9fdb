import { describe, expect, it } from 'vitest';
import { standsFor } from './nearest.ts';
import { normLines, ranges, recordingsOf } from './norms.ts';

describe('activations', () => {
  const vector = (layer: number, tokenIndex: number | null, segment: string | null, norm: number) => ({
    storeId: 's',
    site: 'resid_post',
    layer,
    tokenSelector: tokenIndex === null ? 'mean' : 'all',
    segment,
    tokenIndex,
    dtype: 'float16',
    dim: 8,
    norm,
  });

  it('are taken together by store, site and tokens', () => {
    const [all, mean] = recordingsOf([
      vector(1, 0, 'prompt', 3),
      vector(0, 0, 'prompt', 1),
      vector(0, 1, 'prompt', 2),
      vector(0, 2, 'response', 5),
      vector(0, null, null, 4),
    ]);
    expect(all).toMatchObject({
      layers: [0, 1],
      dims: [8],
      positions: [
        { segment: 'prompt', n: 2 },
        { segment: 'response', n: 1 },
      ],
    });
    expect(mean).toMatchObject({ tokenSelector: 'mean', positions: [{ segment: null, n: 1 }] });
  });

  it('have lines for the tokens that probes look at', () => {
    const [recording] = recordingsOf([
      vector(1, 1, 'prompt', 7),
      vector(0, 1, 'prompt', 2),
      vector(0, 0, 'prompt', 9),
      vector(0, 2, 'response', 5),
    ]);
    expect(recording && normLines(recording)).toEqual([
      {
        name: 'last token of the prompt',
        points: [
          { layer: 0, norm: 2 },
          { layer: 1, norm: 7 },
        ],
      },
      { name: 'last token of the response', points: [{ layer: 0, norm: 5 }] },
    ]);
  });

  it('have a vector that stands for the answer at a layer', () => {
    const [recording] = recordingsOf([
      vector(0, 0, 'prompt', 1),
      vector(0, 2, 'response', 2),
      vector(0, 3, 'response', 3),
      vector(0, 1, 'prompt', 4),
      vector(1, 1, 'prompt', 5),
    ]);
    expect(recording && [0, 1, 2].map((layer) => standsFor(recording, layer)?.norm)).toEqual([
      3,
      5,
      undefined,
    ]);
  });

  it('have layers in short', () => {
    expect(ranges([1, 2, 3, 8, 10, 11])).toBe('1–3, 8, 10–11');
    expect(ranges([])).toBe('');
  });
});
