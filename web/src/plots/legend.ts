import type * as Plot from '@observablehq/plot';
import { measured } from '../ui/format.ts';

export type Sign = 'line' | 'dashed' | 'dotted' | 'area' | 'dot' | 'ring';

/** A kind of mark and what it stands for. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
  readonly sign: Sign;
}

/** A continuous scale of colours, between its ends. */
export interface Ramp {
  readonly label: string;
  readonly low: number;
  readonly high: number;
}

/** Dashes of lines, by their sign in the legend. */
export const DASHES: Readonly<Partial<Record<Sign, string>>> = { dashed: '6 4', dotted: '2 3' };

const ROW = 18;
const SIGN = 22;
const GAP = 16;
/** Mean width of a letter of the font of plots; a little more than it is. */
const LETTER = 5.8;
const NAMESPACE = 'http://www.w3.org/2000/svg';

interface Placed {
  readonly entry: LegendEntry;
  readonly x: number;
  readonly row: number;
}

/** Entries from left to right, as many a row as the width has room for. */
export function placeLegend(entries: readonly LegendEntry[], width: number): Placed[] {
  const placed: Placed[] = [];
  let [x, row] = [0, 0];
  for (const entry of entries) {
    const needed = SIGN + entry.label.length * LETTER;
    if (x > 0 && x + needed > width) [x, row] = [0, row + 1];
    placed.push({ entry, x, row });
    x += needed + GAP;
  }
  return placed;
}

/** What a legend adds to the height of a drawing. */
export function legendHeight(entries: readonly LegendEntry[], width: number): number {
  return entries.length === 0 ? 0 : ((placeLegend(entries, width).at(-1)?.row ?? 0) + 1) * ROW + 4;
}

/** The height of a ramp with its numbers. */
export const RAMP_HEIGHT = 34;

/** A legend in the margin above a plot. */
export function legendMark(entries: readonly LegendEntry[]): Plot.RenderFunction {
  return (_index, _scales, _values, { width }, { document }) => {
    const group = element(document, 'g', {});
    for (const { entry, x, row } of placeLegend(entries, width)) {
      const y = row * ROW + ROW / 2;
      const { label, colour, sign } = entry;
      group.append(
        signOf(document, sign, colour, x, y),
        text(document, label, { x: x + SIGN, y, dy: '0.35em' }),
      );
    }
    return group;
  };
}

/** The name of the vertical axis, above its ticks. */
export function axisName(name: string, y: number): Plot.RenderFunction {
  return (_index, _scales, _values, _dimensions, { document }) => text(document, name, { x: 3, y });
}

/** A strip of all colours in the margin above a plot, with the numbers at its ends and at nothing. */
export function rampMark({ label, low, high }: Ramp): Plot.RenderFunction {
  const [width, steps] = [160, 40];
  return (_index, { color }, _values, _dimensions, { document }) => {
    const group = element(document, 'g', {});
    for (let i = 0; i < steps; i++) {
      const fill = String(color?.(low + ((high - low) * (i + 0.5)) / steps));
      const x = (i * width) / steps;
      group.append(element(document, 'rect', { x, y: 2, width: width / steps + 0.3, height: 10, fill }));
    }
    for (const [value, anchor] of [
      [low, 'start'],
      [(low + high) / 2, 'middle'],
      [high, 'end'],
    ] as const) {
      const x = ((value - low) / (high - low)) * width;
      group.append(text(document, measured(value, 2), { x, y: 23, 'text-anchor': anchor }));
    }
    group.append(text(document, label, { x: width + 10, y: 7, dy: '0.35em' }));
    return group;
  };
}

type Attributes = Readonly<Record<string, string | number>>;

function element(document: Document, name: string, attributes: Attributes): SVGElement {
  const made = document.createElementNS(NAMESPACE, name) as SVGElement;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}

function text(document: Document, content: string, attributes: Attributes): SVGElement {
  const made = element(document, 'text', { fill: 'currentColor', 'text-anchor': 'start', ...attributes });
  made.textContent = content;
  return made;
}

function signOf(document: Document, sign: Sign, colour: string, x: number, y: number): SVGElement {
  switch (sign) {
    case 'area':
      return element(document, 'rect', { x, y: y - 5, width: 14, height: 10, fill: colour });
    case 'dot':
      return element(document, 'circle', { cx: x + 8, cy: y, r: 4, fill: colour });
    case 'ring':
      return element(document, 'circle', { cx: x + 8, cy: y, r: 4, fill: 'none', stroke: colour });
    default:
      return element(document, 'line', {
        x1: x,
        x2: x + 17,
        y1: y,
        y2: y,
        stroke: colour,
        'stroke-width': 2,
        ...(DASHES[sign] !== undefined && { 'stroke-dasharray': DASHES[sign] }),
      });
  }
}
