import { type Box, valueAxis } from './axes.ts';
import { SERIES } from './colours.ts';
import { indexTicks } from './scale.ts';
import { drawing, element, type Heading, heading, line, MUTED, text, tooltip } from './svg.ts';

/** What one vector does, added after each of the layers. */
export interface InjectionSeries {
  readonly name: string;
  /** Share of examples whose first answer token comes out, a layer. */
  readonly accuracy: readonly number[];
  /** Mean probability of the answer's first token, a layer. */
  readonly p: readonly number[];
}

/** What does not depend on a layer, such as the model without a vector. */
export interface InjectionLevel {
  readonly name: string;
  readonly accuracy: number;
  readonly p: number;
}

export interface InjectionCurves {
  readonly layers: readonly number[];
  /** The function vector first, then the controls. */
  readonly series: readonly InjectionSeries[];
  /** The model without a vector first. */
  readonly levels: readonly InjectionLevel[];
}

const PANEL = { width: 330, height: 230, left: 66, gap: 72, right: 24 };
const LEGEND_LINE = 17;
/** Series differ by more than their colours. */
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'];

/** How a line is drawn, in the panels and in the legend. */
interface Pen {
  readonly stroke: string;
  readonly 'stroke-width': number;
  readonly 'stroke-dasharray': string | undefined;
}

function seriesPen(i: number): Pen {
  return {
    stroke: SERIES[i % SERIES.length]!,
    'stroke-width': i === 0 ? 2.2 : 1.5,
    'stroke-dasharray': DASHES[i % DASHES.length],
  };
}

function levelPen(i: number): Pen {
  return {
    stroke: i === 0 ? MUTED : SERIES[(SERIES.length - i) % SERIES.length]!,
    'stroke-width': 1.2,
    'stroke-dasharray': '4 4',
  };
}

/** `injection_by_layer`: accuracy and probability of the answer over the layer after which a vector is added. */
export function injectionCurve(curves: InjectionCurves, caption: Heading): string {
  const width = PANEL.left + 2 * PANEL.width + PANEL.gap + PANEL.right;
  const above = heading(caption, width);
  const accuracy = { left: PANEL.left, top: above.height, width: PANEL.width, height: PANEL.height };
  const p = { ...accuracy, left: PANEL.left + PANEL.width + PANEL.gap };
  const legendTop = above.height + PANEL.height + 62;
  const entries = [
    ...curves.series.map(({ name }, i) => ({ name, pen: seriesPen(i) })),
    ...curves.levels.map(({ name }, i) => ({ name, pen: levelPen(i) })),
  ];
  return drawing(width, legendTop + entries.length * LEGEND_LINE, [
    ...above.markup,
    ...panel(accuracy, curves, 'accuracy', 'accuracy (first answer token)'),
    ...panel(p, curves, 'p', 'mean probability of the answer'),
    ...entries.flatMap(({ name, pen: { stroke, ...pen } }, i) => {
      const y = legendTop + i * LEGEND_LINE;
      return [line([PANEL.left, y], [PANEL.left + 30, y], stroke, pen), text(PANEL.left + 38, y + 4, name)];
    }),
  ]);
}

function panel(
  box: Box,
  { layers, series, levels }: InjectionCurves,
  measure: 'accuracy' | 'p',
  name: string,
): string[] {
  const x = (i: number) => box.left + ((i + 0.5) / layers.length) * box.width;
  const { scale, markup } = valueAxis(box, [0, 1], name);
  const bottom = box.top + box.height;
  const drawn = series.map((one, i) => {
    const pen = seriesPen(i);
    const points = one[measure].flatMap((value, at) =>
      Number.isFinite(value) ? [{ at, value, cx: x(at), cy: scale(value) }] : [],
    );
    const path = points.map(({ cx, cy }) => `${cx.toFixed(2)},${cy.toFixed(2)}`).join(' ');
    const marks = points.map(({ at, value, cx, cy }) => {
      const circle = { cx, cy, r: i === 0 ? 3.2 : 2.4, fill: pen.stroke };
      return element('circle', circle, tooltip(`${one.name}, layer ${layers[at]}: ${value}`));
    });
    return element('polyline', { points: path, fill: 'none', ...pen }) + marks.join('');
  });
  return [
    ...markup,
    ...levels.map((level, i) => {
      const { stroke, ...pen } = levelPen(i);
      const y = scale(level[measure]);
      return line([box.left, y], [box.left + box.width, y], stroke, pen);
    }),
    // The function vector last, on top of its controls.
    ...drawn.reverse(),
    ...indexTicks(layers.length).map((i) => text(x(i), bottom + 16, String(layers[i]), { anchor: 'middle' })),
    text(box.left + box.width / 2, bottom + 36, 'layer after which the vector is added', {
      anchor: 'middle',
    }),
  ];
}
