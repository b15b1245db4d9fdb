import { type HeadPlace, headKey } from '../../../../ingest/families/fv/ranking.ts';
import type { HeadScoreName, HeadScores } from '../scores/head-scores.ts';

/** Side of a head's square. */
const CELL = 18;
const MARGIN = { left: 46, top: 40, right: 12, bottom: 40 };

/** matplotlib's `coolwarm` at its ends and in its middle. */
const COLOURS = [
  [59, 76, 192],
  [221, 221, 221],
  [180, 4, 38],
] as const;

export interface HeatmapText {
  readonly title: string;
  readonly scoreKey: HeadScoreName;
}

/**
 * `aie_heatmap_<q>.svg`: a square for each head, layers upwards, with a white dot on the chosen ones. Colours follow a
 * symmetric logarithm between the 1st and the 99th percentile of the scores that are not zero, linear up to the 20th
 * percentile of their size.
 */
export function heatmap(
  heads: readonly HeadScores[],
  top: readonly HeadPlace[],
  { title, scoreKey }: HeatmapText,
): string {
  const [rows, columns] = [
    Math.max(...heads.map((h) => h.layer)) + 1,
    Math.max(...heads.map((h) => h.head)) + 1,
  ];
  const chosen = new Set(top.map(headKey));
  const colour = colours(heads.map(({ scores }) => scores[scoreKey]));
  const x = (head: number) => MARGIN.left + head * CELL;
  const y = (layer: number) => MARGIN.top + (rows - 1 - layer) * CELL;
  const squares = heads.map(({ layer, head, scores }) => {
    const label = `<title>layer ${layer}, head ${head}: ${scores[scoreKey]}</title>`;
    return `<rect x="${x(head)}" y="${y(layer)}" width="${CELL}" height="${CELL}" fill="${colour(scores[scoreKey])}">${label}</rect>`;
  });
  const dots = heads
    .filter((head) => chosen.has(headKey(head)))
    .map(
      ({ layer, head }) =>
        `<circle cx="${x(head) + CELL / 2}" cy="${y(layer) + CELL / 2}" r="3" fill="white" stroke="black" stroke-width="0.5"/>`,
    );
  // At most some ten numbers an axis.
  const ticks = (count: number) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % Math.ceil(count / 12) === 0);
  const layerTicks = ticks(rows).map(
    (layer) =>
      `<text x="${MARGIN.left - 6}" y="${y(layer) + CELL / 2 + 4}" text-anchor="end">${layer}</text>`,
  );
  const headTicks = ticks(columns).map(
    (head) => `<text x="${x(head) + CELL / 2}" y="${y(0) + CELL + 14}" text-anchor="middle">${head}</text>`,
  );
  const width = Math.max(MARGIN.left + columns * CELL + MARGIN.right, 360);
  const height = MARGIN.top + rows * CELL + MARGIN.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="13">${escaped(title)}</text>`,
    ...squares,
    ...dots,
    ...layerTicks,
    ...headTicks,
    `<text x="${MARGIN.left}" y="${height - 6}">head, by layer upwards</text>`,
    '</svg>\n',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** The colour of a score among all of them. */
function colours(scores: readonly number[]): (score: number) => string {
  const nonzero = scores.filter((score) => Number.isFinite(score) && score !== 0).sort((a, b) => a - b);
  const linear = percentile(
    nonzero.map(Math.abs).sort((a, b) => a - b),
    0.2,
  );
  const scaled = (score: number) => symmetricLog(score, linear);
  const [low, high] = [scaled(percentile(nonzero, 0.01)), scaled(percentile(nonzero, 0.99))];
  return (score) => {
    const place = high > low && Number.isFinite(score) ? (scaled(score) - low) / (high - low) : 0.5;
    const at = 2 * Math.min(1, Math.max(0, place));
    const [from, to] = at < 1 ? [COLOURS[0], COLOURS[1]] : [COLOURS[1], COLOURS[2]];
    const part = at < 1 ? at : at - 1;
    return `rgb(${from.map((value, i) => Math.round(value + part * (to[i]! - value))).join(',')})`;
  };
}

/** Linear between the two values next to the place, as numpy's default. */
function percentile(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? 0;
  return low + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] ?? 0) - low);
}

/** matplotlib's symmetric logarithm of base 10 whose linear part is as wide as one decade. */
function symmetricLog(value: number, linear: number): number {
  const scale = 1 / (1 - 1 / 10);
  const size = Math.abs(value);
  if (size <= linear || linear === 0) return value * scale;
  return Math.sign(value) * linear * (scale + Math.log10(size / linear));
}
