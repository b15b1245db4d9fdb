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

export interface InjectionCurves {
  readonly layers: readonly number[];
  /** Without a vector. */
  readonly baseline: { readonly accuracy: number; readonly p: number };
  /** The function vector first, then the controls. */
  readonly series: readonly InjectionSeries[];
}

const PANEL = { width: 330, height: 230, left: 66, gap: 72, right: 24 };
const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'];
const LEGEND_LINE = 17;

/** `injection_by_layer`: accuracy and probability of the answer over the layer after which a vector is added. */
export function injectionCurve({ layers, baseline, series }: InjectionCurves, caption: Heading): string {
  const width = PANEL.left + 2 * PANEL.width + PANEL.gap + PANEL.right;
  const above = heading(caption, width);
  const accuracy = { left: PANEL.left, top: above.height, width: PANEL.width, height: PANEL.height };
  const p = { ...accuracy, left: PANEL.left + PANEL.width + PANEL.gap };
  const legendTop = above.height + PANEL.height + 62;
  const curvesOf = (measure: 'accuracy' | 'p') => ({
    baseline: baseline[measure],
    curves: series.map((one) => ({ name: one.name, values: one[measure] })),
  });
  return drawing(width, legendTop + (series.length + 1) * LEGEND_LINE, [
    ...above.markup,
    ...panel(accuracy, layers, curvesOf('accuracy'), 'accuracy (first answer token)'),
    ...panel(p, layers, curvesOf('p'), 'mean probability of the answer'),
    ...legend(
      series.map(({ name }) => name),
      legendTop,
    ),
  ]);
}

interface Curves {
  readonly baseline: number;
  readonly curves: readonly { readonly name: string; readonly values: readonly number[] }[];
}

function panel(box: Box, layers: readonly number[], { baseline, curves }: Curves, name: string): string[] {
  const last = Math.max(1, layers.length - 1);
  const x = (i: number) => box.left + ((i + 0.5) / (last + 1)) * box.width;
  const { scale, markup } = valueAxis(box, [1, 0], name);
  const bottom = box.top + box.height;
  const drawn = curves.map(({ name: curve, values }, i) => {
    const { stroke, 'stroke-dasharray': dashes } = style(i);
    const points = values.flatMap((value, at) =>
      Number.isFinite(value) ? [[x(at), scale(value), at] as const] : [],
    );
    const path = points.map(([px, py]) => `${px.toFixed(2)},${py.toFixed(2)}`).join(' ');
    const marks = points.map(([cx, cy, at]) =>
      element(
        'circle',
        { cx, cy, r: i === 0 ? 3.2 : 2.4, fill: stroke },
        tooltip(`${curve}, layer ${layers[at]}: ${values[at]}`),
      ),
    );
    const curveLine = {
      points: path,
      fill: 'none',
      stroke,
      'stroke-width': i === 0 ? 2.2 : 1.5,
      'stroke-dasharray': dashes,
    };
    return element('polyline', curveLine) + marks.join('');
  });
  return [
    ...markup,
    line([box.left, scale(baseline)], [box.left + box.width, scale(baseline)], MUTED, BASELINE),
    // The function vector last, on top of its controls.
    ...drawn.reverse(),
    ...indexTicks(layers.length).map((i) => text(x(i), bottom + 16, String(layers[i]), { anchor: 'middle' })),
    text(box.left + box.width / 2, bottom + 36, 'layer after which the vector is added', {
      anchor: 'middle',
    }),
  ];
}

const BASELINE = { 'stroke-width': 1.2, 'stroke-dasharray': '4 4' };

function style(i: number): { stroke: string; 'stroke-dasharray': string | undefined } {
  return { stroke: SERIES[i % SERIES.length]!, 'stroke-dasharray': DASHES[i % DASHES.length] };
}

function legend(names: readonly string[], top: number): string[] {
  const row = (i: number, name: string, mark: string) =>
    mark + text(PANEL.left + 38, top + i * LEGEND_LINE + 4, name);
  const stroke = (i: number, colour: string, more: Parameters<typeof line>[3]) =>
    line([PANEL.left, top + i * LEGEND_LINE], [PANEL.left + 30, top + i * LEGEND_LINE], colour, more);
  return [
    ...names.map((name, i) => {
      const { stroke: colour, ...dashes } = style(i);
      return row(i, name, stroke(i, colour, { 'stroke-width': i === 0 ? 2.2 : 1.5, ...dashes }));
    }),
    row(names.length, 'without a vector', stroke(names.length, MUTED, BASELINE)),
  ];
}
