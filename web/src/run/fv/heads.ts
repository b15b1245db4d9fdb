import * as Plot from '@observablehq/plot';
import { DIVERGING } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { wholeTicks } from '../../plots/ticks.ts';
import { count, measured } from '../../ui/format.ts';
import type { FoundHeads } from './queries.ts';

type Heatmap = NonNullable<FoundHeads['fvHeatmap']>;

/** Scores of heads that the page shows, as the API names them. */
export const SCORES = {
  mean_delta_p: 'change of probability',
  mean_delta_logprob: 'change of log-probability',
  mean_delta_logit: 'change of logit',
  dla: 'direct logit attribution',
} as const;
export type Score = keyof typeof SCORES;

/** Pixels that a number takes of a cell. */
const ROOM = 13;

/** Whether cells are wide enough for numbers. */
function roomy({ width, marginLeft, marginRight }: Plot.Dimensions, heads: number): boolean {
  return (width - marginLeft - marginRight) / heads >= ROOM;
}

/** Effects of all heads as a matrix with the top heads marked; undefined for runs without head scores. */
export function drawHeads({ fvHeatmap: heatmap }: FoundHeads, score: Score): Drawing | undefined {
  if (heatmap === null) return undefined;
  const { layers, heads, topHeads, missing } = heatmap;
  const cells = cellsOf(heatmap);
  if (cells.length === 0) return undefined;
  const limit = Math.max(...cells.map(({ effect }) => Math.abs(effect)), Number.MIN_VALUE);
  const [first] = topHeads;
  const ranked = cells.filter(({ rank }) => rank !== undefined);
  const what = SCORES[score];
  // On the colour of the cell, whatever the ground of the page.
  const ink = ({ effect }: Cell) => (Math.abs(effect) > 0.6 * limit ? 'white' : 'black');
  return {
    title: score === 'dla' ? 'Direct logit attribution of the heads' : 'Average indirect effect of the heads',
    description: [
      `Mean ${what} of the right answer for each head; boxes mark the top ${count(topHeads.length)}, numbers are their ranks`,
      first && `; the first is block ${first.layer} head ${first.head} with ${measured(first.score)}`,
      missing > 0 && `; ${count(missing)} ${missing === 1 ? 'head has' : 'heads have'} no score`,
      '.',
    ]
      .filter((part) => typeof part === 'string')
      .join(''),
    rows: cells,
    ramp: { label: what, low: -limit, high: limit },
    plot: {
      height: Math.min(560, Math.max(180, 15 * layers + 50)),
      padding: 0.05,
      x: { label: 'head', tickFormat: 'd', ticks: wholeTicks([0, heads - 1]) },
      y: {
        label: 'block',
        reverse: true,
        tickFormat: 'd',
        ticks: wholeTicks([0, layers - 1]),
        domain: [...Array(layers).keys()],
      },
      color: { ...DIVERGING, domain: [-limit, limit] },
      marks: [
        Plot.cell(cells, { x: 'head', y: 'layer', fill: 'effect' }),
        Plot.cell(ranked, { x: 'head', y: 'layer', fill: 'none', stroke: ink, strokeWidth: 1.2, inset: 1 }),
        Plot.text(ranked, {
          x: 'head',
          y: 'layer',
          text: 'rank',
          fontSize: 9,
          fill: ink,
          render: (index, scales, values, dimensions, context, next) =>
            roomy(dimensions, heads) && next ? next(index, scales, values, dimensions, context) : null,
        }),
        Plot.tip(
          cells,
          Plot.pointer({
            x: 'head',
            y: 'layer',
            channels: { [what]: 'effect', rank: 'rank' },
            format: { x: 'd', y: 'd' },
          }),
        ),
      ],
    },
  };
}

interface Cell {
  readonly layer: number;
  readonly head: number;
  readonly effect: number;
  readonly rank: number | undefined;
  [column: string]: unknown;
}

function cellsOf({ matrix, topHeads }: Heatmap): Cell[] {
  const ranks = new Map(topHeads.map(({ layer, head, rank }) => [`${layer} ${head}`, rank]));
  return matrix.flatMap((row, layer) =>
    row.flatMap((effect, head) =>
      effect === null ? [] : [{ layer, head, effect, rank: ranks.get(`${layer} ${head}`) }],
    ),
  );
}
