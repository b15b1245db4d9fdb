import * as Plot from '@observablehq/plot';
import { BLUE, GREEN, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { DASHES, type LegendEntry } from '../../plots/legend.ts';
import { axisFormat } from '../../plots/ticks.ts';
import { measured } from '../../ui/format.ts';
import type { EntropyPoint, FoundPoints } from './queries.ts';

const SERIES = {
  deltaHTrue: { label: 'true change', colour: VERMILION, sign: 'dot' },
  linear: { label: 'linear', colour: BLUE, sign: 'dashed' },
  linquad: { label: 'linear + quadratic', colour: GREEN, sign: 'line' },
} as const satisfies Record<string, LegendEntry>;
type Series = keyof typeof SERIES;

interface Value {
  readonly series: string;
  readonly eta: number;
  readonly change: number;
}

function valuesOf(points: readonly EntropyPoint[], series: Series): Value[] {
  return points.flatMap(({ eta, [series]: change }) =>
    change === null ? [] : [{ series: SERIES[series].label, eta, change }],
  );
}

/** The true change of entropy by learning rate beside what the derivatives predict; undefined where none was measured. */
export function drawPoints({ run }: FoundPoints): Drawing | undefined {
  const points = run?.entropyPoints ?? [];
  const drawn = (Object.keys(SERIES) as Series[])
    .map((series) => ({ ...SERIES[series], values: valuesOf(points, series) }))
    .filter(({ values }) => values.length > 0);
  if (drawn.length === 0) return undefined;
  const etas = points.map(({ eta }) => eta);
  const positive = etas.every((eta) => eta > 0);
  const normalization = run?.entropyUpdate?.normalization?.replace('_', ' ');
  return {
    title: 'Change of entropy by learning rate',
    description: `Measured after the update, and predicted from the derivatives before it${
      normalization === undefined ? '' : `; nats ${normalization}`
    }.`,
    rows: points.map((point) => ({ ...point })),
    legend: drawn.map(({ label, colour, sign }) => ({ label, colour, sign })),
    plot: {
      marginLeft: 70,
      x: {
        label: 'learning rate η',
        type: positive ? 'log' : 'linear',
        ticks: etas,
        tickFormat: axisFormat(etas),
      },
      y: {
        label: 'ΔH',
        grid: true,
        tickFormat: axisFormat(drawn.flatMap(({ values }) => values.map(({ change }) => change))),
      },
      marks: [
        Plot.ruleY([0], { strokeOpacity: 0.5 }),
        ...drawn.flatMap(({ colour, sign, values }) => [
          sign === 'dot'
            ? undefined
            : Plot.line(values, {
                x: 'eta',
                y: 'change',
                stroke: colour,
                strokeWidth: 2,
                ...(DASHES[sign] !== undefined && { strokeDasharray: DASHES[sign] }),
              }),
          Plot.dot(values, {
            x: 'eta',
            y: 'change',
            fill: colour,
            r: sign === 'dot' ? 5 : 2.5,
            tip: true,
            title: ({ series, eta, change }: Value) =>
              `${series}\nη ${measured(eta)}\nΔH ${measured(change, 4)}`,
          }),
        ]),
      ],
    },
  };
}
