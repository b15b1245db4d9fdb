import * as Plot from '@observablehq/plot';
import { BLUE, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { DASHES, type Sign } from '../../plots/legend.ts';
import { wholeTicks } from '../../plots/ticks.ts';
import { normLines, type Recording } from './norms.ts';

interface Look {
  readonly colour: string;
  readonly sign: Sign;
  readonly symbol: Plot.SymbolType;
}

const LOOKS: readonly [Look, Look] = [
  { colour: BLUE, sign: 'line', symbol: 'circle' },
  { colour: VERMILION, sign: 'dashed', symbol: 'square' },
];

/** Norms over layers; undefined where no norm is known. */
export function normsByLayer(recording: Recording): Drawing | undefined {
  const lines = normLines(recording).slice(0, LOOKS.length);
  const rows = lines.flatMap(({ name, points }) => points.map((point) => ({ position: name, ...point })));
  if (rows.length === 0) return undefined;
  const marks = lines.flatMap(({ points }, i) => {
    const { colour, sign, symbol } = LOOKS[i] ?? LOOKS[0];
    return [
      Plot.line(points, {
        x: 'layer',
        y: 'norm',
        stroke: colour,
        strokeWidth: 2,
        ...(DASHES[sign] !== undefined && { strokeDasharray: DASHES[sign] }),
      }),
      Plot.dot(points, { x: 'layer', y: 'norm', fill: colour, symbol, r: 3.5, tip: true }),
    ];
  });
  return {
    title: `Norm by layer, ${recording.site}`,
    description:
      'Euclidean length of the recorded vectors; layer 0 is the embedding, layer i the output of block i - 1.',
    rows,
    plot: {
      x: { label: 'layer', ticks: wholeTicks(recording.layers), tickFormat: 'd' },
      y: { label: 'norm', grid: true, zero: true },
      marks,
    },
    legend: lines.map(({ name }, i) => ({ label: name, ...(LOOKS[i] ?? LOOKS[0]) })),
  };
}

/** Norms of every layer and token position; undefined where there is but one position. */
export function normsByToken({ vectors, layers, site }: Recording): Drawing | undefined {
  const rows = vectors.flatMap(({ layer, tokenIndex, segment, norm }) =>
    tokenIndex === null || norm === null ? [] : [{ layer, token: tokenIndex, segment: segment ?? '', norm }],
  );
  const tokens = [...new Set(rows.map(({ token }) => token))].sort((a, b) => a - b);
  const [first] = tokens;
  if (first === undefined || tokens.length < 2) return undefined;
  const response = rows.filter(({ segment }) => segment === 'response').map(({ token }) => token);
  // Where the response is recorded alone, or not at all, nothing parts it from the prompt.
  const begin = response.length === 0 || response.length === rows.length ? undefined : Math.min(...response);
  const norms = rows.map(({ norm }) => norm).filter((norm) => norm > 0);
  if (norms.length === 0) return undefined;
  const [low, high] = [Math.min(...norms), Math.max(...norms)];
  return {
    title: `Norm by token, ${site}`,
    description: `Each cell is a vector: a layer at a token position${
      begin === undefined ? '' : `; the response begins at ${begin}, where the line is`
    }. Darker is longer, on a logarithmic scale.`,
    rows,
    plot: {
      height: Math.min(420, 90 + 22 * layers.length),
      x: {
        label: 'token position',
        ticks: wholeTicks(tokens),
        tickFormat: 'd',
        domain: [first - 0.5, (tokens.at(-1) ?? 0) + 0.5],
      },
      y: { label: 'layer', ticks: wholeTicks(layers), tickFormat: 'd' },
      color: {
        type: 'log',
        scheme: 'viridis',
        reverse: true,
        domain: [low, Math.max(high, low * 1.01)],
        label: 'norm',
        legend: false,
      },
      marks: [
        Plot.rect(rows, {
          x1: ({ token }: { token: number }) => token - 0.5,
          x2: ({ token }: { token: number }) => token + 0.5,
          y1: ({ layer }: { layer: number }) => layer - 0.5,
          y2: ({ layer }: { layer: number }) => layer + 0.5,
          fill: 'norm',
          inset: 0.3,
          channels: { layer: 'layer', token: 'token', segment: 'segment', norm: 'norm' },
          tip: { format: { x: false, y: false, fill: false } },
        }),
        Plot.ruleX(begin === undefined ? [] : [begin - 0.5], { strokeWidth: 1.5 }),
      ],
    },
    ramp: { label: 'norm', low, high },
  };
}
