import * as Plot from '@observablehq/plot';
import { type ReactNode, useMemo } from 'react';
import { Figure } from '../plots/figure.tsx';
import type { MetricRow } from './queries.ts';

interface Control {
  readonly control: string;
  readonly auroc: number;
}

/** Difference of AUROC below which names would lie on each other. */
const TOO_CLOSE = 0.03;

/** Controls by where their names stand: those that are nearly the same share a line. */
function named(controls: readonly Control[]): Control[] {
  const lines: Control[] = [];
  for (const { control, auroc } of controls.toSorted((a, b) => a.auroc - b.auroc)) {
    const last = lines.at(-1);
    if (last === undefined || auroc - last.auroc > TOO_CLOSE) lines.push({ control, auroc });
    else lines[lines.length - 1] = { control: `${last.control}, ${control}`, auroc: last.auroc };
  }
  return lines;
}

/** AUROC of a probe by layer with its intervals, above what controls reach. */
export function LayerPlot({ metrics }: { metrics: readonly MetricRow[] }): ReactNode {
  const { layers, rows, plot } = useMemo(() => {
    const aurocs = metrics.filter(({ metric, value }) => metric === 'auroc' && value !== null);
    const points = aurocs
      .filter(({ scope }) => scope.startsWith('layer:'))
      .map(({ scope, value, ciLow, ciHigh }) => ({
        layer: Number(scope.slice(6)),
        auroc: value,
        low: ciLow,
        high: ciHigh,
      }))
      .sort((a, b) => a.layer - b.layer);
    const controls = aurocs
      .filter(({ scope }) => scope.startsWith('control:'))
      .map(({ scope, value }) => ({ control: scope.slice(8).replaceAll('_', ' '), auroc: value ?? 0 }));
    const options: Plot.PlotOptions = {
      marginRight: 150,
      x: { label: 'layer (0: embedding)', ticks: points.map(({ layer }) => layer), tickFormat: 'd' },
      y: { label: 'AUROC', grid: true },
      marks: [
        Plot.ruleY(controls, {
          y: 'auroc',
          stroke: 'currentColor',
          strokeOpacity: 0.45,
          strokeDasharray: '4 4',
        }),
        Plot.text(named(controls), {
          y: 'auroc',
          text: 'control',
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 6,
          fill: 'currentColor',
          fillOpacity: 0.8,
          lineWidth: 13,
        }),
        Plot.ruleX(points, { x: 'layer', y1: 'low', y2: 'high', stroke: '#3b7fb0' }),
        Plot.line(points, { x: 'layer', y: 'auroc', stroke: '#3b7fb0' }),
        Plot.dot(points, {
          x: 'layer',
          y: 'auroc',
          fill: '#3b7fb0',
          r: 4,
          tip: true,
          channels: { low: 'low', high: 'high' },
        }),
      ],
    };
    return { layers: points, rows: [...points, ...controls], plot: options };
  }, [metrics]);
  if (layers.length === 0) return null;
  return (
    <Figure
      title="AUROC by layer"
      description="Probes of each layer with their intervals; dashed: what is reached without activations, or by chance."
      rows={rows}
      plot={plot}
    />
  );
}
