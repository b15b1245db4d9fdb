import { HEAD_SCORES } from '../../../../ingest/contracts/fv/head-score.ts';
import type { HeadScoreName, HeadScores } from '../scores/head-scores.ts';
import { type Box, valueAxis } from './axes.ts';
import { SERIES } from './colours.ts';
import { scoreLabel } from './labels.ts';
import { indexTicks } from './scale.ts';
import { drawing, element, type Heading, heading, INK, line, text, tooltip } from './svg.ts';

/** Bars that a plot has room for. */
const MOST_BARS = 40;
const LEFT = 66;
const PLOT = { height: 230, gap: 86, right: 24, bottom: 56 };

/**
 * `aie_top_heads_by_layer_<score>`: the chosen heads in rank order with the standard error over trials where the score is a mean, and beside it
 * how many of them each layer has.
 * @param layers of the model
 */
export function topHeadsPlot(
  top: readonly HeadScores[],
  layers: number,
  scoreKey: HeadScoreName,
  caption: Heading,
): string {
  const shown = top.slice(0, MOST_BARS);
  const bar = Math.max(14, Math.min(26, Math.floor(520 / Math.max(1, shown.length))));
  const column = Math.max(10, Math.min(26, Math.floor(520 / layers)));
  const width = Math.max(620, LEFT + shown.length * bar + PLOT.gap + layers * column + PLOT.right);
  const above = heading(caption, width);
  const box = { left: LEFT, top: above.height, width: shown.length * bar, height: PLOT.height };
  const counts = { ...box, left: box.left + box.width + PLOT.gap, width: layers * column };
  return drawing(width, above.height + PLOT.height + PLOT.bottom, [
    ...above.markup,
    ...ranked(shown, scoreKey, box, bar),
    ...perLayer(top, layers, counts, column),
  ]);
}

function ranked(heads: readonly HeadScores[], scoreKey: HeadScoreName, box: Box, bar: number): string[] {
  const values = heads.map(({ scores }) => scores[scoreKey]);
  const errors = heads.map((head) => standardError(head, scoreKey));
  const ends = values.flatMap((value, i) => [value - errors[i]!, value + errors[i]!]);
  const { scale, markup } = valueAxis(box, ends, shortened(scoreLabel(scoreKey)));
  const bars = heads.flatMap(({ layer, head }, i) => {
    const [value, error] = [values[i]!, errors[i]!];
    if (!Number.isFinite(value)) return [];
    const x = box.left + i * bar;
    const middle = x + bar / 2;
    const [high, low] = [Math.min(scale(0), scale(value)), Math.max(scale(0), scale(value))];
    const rectangle = { x: x + 2, y: high, width: bar - 4, height: low - high, fill: SERIES[0] };
    const whisker =
      error > 0 ? [line([middle, scale(value - error)], [middle, scale(value + error)], INK)] : [];
    return [
      element('rect', rectangle, tooltip(`layer ${layer}, head ${head}: ${value} ± ${error}`)),
      ...whisker,
    ];
  });
  const names = heads.map(({ layer, head }, i) =>
    text(box.left + i * bar + bar / 2 + 3, box.top + box.height + 8, `${layer}.${head}`, {
      size: 9,
      anchor: 'end',
      rotate: -60,
    }),
  );
  const name = text(box.left + box.width / 2, box.top + box.height + 48, 'layer.head, by rank', {
    anchor: 'middle',
  });
  return [...markup, ...bars, ...names, name];
}

function perLayer(heads: readonly HeadScores[], layers: number, box: Box, column: number): string[] {
  const counts = Array.from(
    { length: layers },
    (_, layer) => heads.filter((head) => head.layer === layer).length,
  );
  const { scale, markup } = valueAxis(box, counts, 'chosen heads', 1);
  const bars = counts.flatMap((count, layer) => {
    if (count === 0) return [];
    const x = box.left + layer * column + 1.5;
    const rectangle = {
      x,
      y: scale(count),
      width: column - 3,
      height: scale(0) - scale(count),
      fill: SERIES[0],
    };
    return [element('rect', rectangle, tooltip(`layer ${layer}: ${count}`))];
  });
  const bottom = box.top + box.height;
  const names = indexTicks(layers).map((layer) =>
    text(box.left + (layer + 0.5) * column, bottom + 15, String(layer), { anchor: 'middle' }),
  );
  return [
    ...markup,
    ...bars,
    ...names,
    text(box.left + box.width / 2, bottom + 48, 'layer', { anchor: 'middle' }),
  ];
}

/** Of a mean over trials; 0 for scores that are none. */
function standardError({ scores, trials }: HeadScores, scoreKey: HeadScoreName): number {
  const wanted = scoreKey.replace(/^mean_/, 'std_');
  const deviation = HEAD_SCORES.find((name) => name === wanted && name !== scoreKey);
  // The deviation is that of the population of these trials.
  return deviation === undefined || trials < 2 ? 0 : scores[deviation] / Math.sqrt(trials - 1);
}

function shortened(label: string): string {
  return label.replace('change in the probability of the answer', 'change in p(answer)');
}
