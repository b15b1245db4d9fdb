import * as Plot from '@observablehq/plot';
import { BLUE } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { wholeTicks } from '../../plots/ticks.ts';
import type { MetricRow } from '../metrics.ts';

interface Control {
  readonly control: string;
  readonly auroc: number;
}

/** Difference of AUROC below which names would lie on each other. */
const TOO_CLOSE = 0.03;

/** Controls by where their names stand: those that are nearly the same share a line. */
export function named(controls: readonly Control[]): Control[] {
  const lines: Control[] = [];
  for (const { control, auroc } of controls.toSorted((a, b) => a.auroc - b.auroc)) {
    const last = lines.at(-1);
    if (last === undefined || auroc - last.auroc > TOO_CLOSE) lines.push({ control, auroc });
    else lines[lines.length - 1] = { control: `${last.control}, ${control}`, auroc: last.auroc };
  }
  return lines;
}

/** AUROC of the probe of each layer with its interval, above what controls reach; undefined for runs without layers. */
export function drawLayers(metrics: readonly MetricRow[]): Drawing | undefined {
  const aurocs = metrics.filter(({ metric, value }) => metric === 'auroc' && value !== null);
  const layers = aurocs
    .filter(({ scope }) => scope.startsWith('layer:'))
    .map(({ scope, value, ciLow, ciHigh }) => ({
      layer: Number(scope.slice(6)),
      auroc: value,
      low: ciLow,
      high: ciHigh,
    }))
    .sort((a, b) => a.layer - b.layer);
  if (layers.length === 0) return undefined;
  const controls = aurocs
    .filter(({ scope }) => scope.startsWith('control:'))
    .map(({ scope, value }) => ({ control: scope.slice(8).replaceAll('_', ' '), auroc: value ?? 0 }));
  return {
    title: 'AUROC by layer',
    description:
      'Probes of each layer with their intervals; dashed: what is reached without activations, or by chance.',
    rows: [...layers, ...controls],
    plot: {
      marginRight: controls.length > 0 ? 130 : 20,
      x: {
        label: 'layer (0: embedding)',
        tickFormat: 'd',
        ticks: wholeTicks(layers.map(({ layer }) => layer)),
      },
      y: { label: 'AUROC', grid: true },
      marks: [
        Plot.ruleY(controls, {
          y: 'auroc',
          stroke: 'currentColor',
          strokeOpacity: 0.6,
          strokeDasharray: '6 4',
        }),
        Plot.text(named(controls), {
          y: 'auroc',
          text: 'control',
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 6,
          fill: 'currentColor',
          lineWidth: 12,
        }),
        Plot.ruleX(layers, { x: 'layer', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 1.5 }),
        Plot.line(layers, { x: 'layer', y: 'auroc', stroke: BLUE, strokeWidth: 1.5 }),
        Plot.dot(layers, {
          x: 'layer',
          y: 'auroc',
          fill: BLUE,
          r: 4,
          tip: true,
          channels: { low: 'low', high: 'high' },
        }),
      ],
    },
  };
}
