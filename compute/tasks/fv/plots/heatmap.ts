import { type HeadPlace, headKey } from '../../../../ingest/families/fv/ranking.ts';
import type { HeadScoreName, HeadScores } from '../scores/head-scores.ts';
import { diverging, type SymmetricScale, symmetricScale } from './colours.ts';
import { scoreLabel } from './labels.ts';
import { indexTicks, tickLabel } from './scale.ts';
import { drawing, element, FAINT, type Heading, heading, INK, text, tooltip } from './svg.ts';

const MARGIN = { left: 58, right: 122, bottom: 52 };
const MIN_WIDTH = 520;
/** The colour bar's numbers and its name need this much. */
const MIN_HEIGHT = 200;
/** Colours of the bar beside the plot. */
const BAR = { width: 16, gap: 24, steps: 64 };

/**
 * `aie_heatmap_<q>`: a square for each head that was swept, layers upwards; white is no effect, and the chosen heads have their rank
 * on them. Colours follow `symmetricScale`.
 * @param top in rank order
 */
export function heatmap(
  heads: readonly HeadScores[],
  top: readonly HeadPlace[],
  scoreKey: HeadScoreName,
  caption: Heading,
): string {
  const rows = Math.max(...heads.map(({ layer }) => layer)) + 1;
  const columns = Math.max(...heads.map(({ head }) => head)) + 1;
  const cell = Math.min(40, Math.max(12, Math.floor(560 / Math.max(rows, columns))));
  const width = Math.max(MIN_WIDTH, MARGIN.left + columns * cell + MARGIN.right);
  const above = heading(caption, width);
  const plotHeight = Math.max(rows * cell, MIN_HEIGHT);
  const height = above.height + plotHeight + MARGIN.bottom;
  const scale = symmetricScale(heads.map(({ scores }) => scores[scoreKey]));
  const x = (head: number) => MARGIN.left + head * cell;
  const y = (layer: number) => above.height + plotHeight - (layer + 1) * cell;
  const bottom = above.height + plotHeight;
  const ranks = new Map(top.map((head, i) => [headKey(head), i + 1]));
  const [middleX, middleY] = [MARGIN.left + (columns * cell) / 2, bottom - (rows * cell) / 2];
  return drawing(width, height, [
    ...above.markup,
    // Heads that were left out of the sweep stay of this colour.
    element('rect', { x: x(0), y: y(rows - 1), width: columns * cell, height: rows * cell, fill: FAINT }),
    ...heads.map(({ layer, head, scores }) => {
      const score = scores[scoreKey];
      const fill =
        scale === undefined || !Number.isFinite(score) ? diverging(0) : diverging(scale.place(score));
      const square = { x: x(head), y: y(layer), width: cell, height: cell, fill };
      const label = `layer ${layer}, head ${head}: ${scoreKey} ${score}`;
      return element('rect', square, tooltip(label));
    }),
    ...heads.flatMap((place) => {
      const rank = ranks.get(headKey(place));
      return rank === undefined
        ? []
        : rankMark(x(place.head) + cell / 2, y(place.layer) + cell / 2, cell, rank);
    }),
    ...indexTicks(columns).map((head) =>
      text(x(head) + cell / 2, bottom + 15, String(head), { anchor: 'middle' }),
    ),
    ...indexTicks(rows).map((layer) =>
      text(MARGIN.left - 7, y(layer) + cell / 2 + 4, String(layer), { anchor: 'end' }),
    ),
    text(middleX, bottom + 36, 'head', { anchor: 'middle' }),
    text(MARGIN.left - 36, middleY, 'layer', { anchor: 'middle', rotate: -90 }),
    ...colourBar(scale, x(columns) + BAR.gap, above.height, plotHeight, scoreLabel(scoreKey)),
  ]);
}

/** A white disc with the head's rank where there is room for it. */
function rankMark(x: number, y: number, cell: number, rank: number): string {
  const numbered = cell >= 20;
  const disc = element('circle', {
    cx: x,
    cy: y,
    r: numbered ? Math.min(9, cell * 0.36) : cell * 0.22,
    fill: 'white',
    stroke: INK,
    'stroke-width': 0.8,
  });
  return numbered ? disc + text(x, y + 3.2, String(rank), { size: 9, anchor: 'middle' }) : disc;
}

function colourBar(
  scale: SymmetricScale | undefined,
  x: number,
  top: number,
  height: number,
  label: string,
): string[] {
  const middle = top + height / 2;
  const half = height / 2;
  const step = height / BAR.steps;
  const steps = Array.from({ length: BAR.steps }, (_, i) =>
    element('rect', {
      x,
      y: top + i * step,
      width: BAR.width,
      // A little more than a step, so that no line shows between two.
      height: step + 0.5,
      fill: diverging(1 - (2 * (i + 0.5)) / BAR.steps),
    }),
  );
  const values =
    scale === undefined ? [0] : [-scale.limit, -scale.threshold, 0, scale.threshold, scale.limit];
  const ticks = [...new Set(values)].map((value) => {
    const at = middle - half * (scale?.place(value) ?? 0);
    const beyond = scale?.exceeded && Math.abs(value) === scale.limit ? (value > 0 ? '≥ ' : '≤ ') : '';
    return text(x + BAR.width + 5, at + 4, `${beyond}${tickLabel(value)}`, { size: 10 });
  });
  const name = text(x + BAR.width + 74, middle, label, {
    size: 10,
    anchor: 'middle',
    rotate: -90,
  });
  return [...steps, ...ticks, name];
}
