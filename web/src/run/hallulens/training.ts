import * as Plot from '@observablehq/plot';
import { BLUE, GREY, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { DASHES, type LegendEntry } from '../../plots/legend.ts';
import { axisFormat, wholeTicks } from '../../plots/ticks.ts';
import { count, measured } from '../../ui/format.ts';
import type { FoundTraining, TrainedRow } from './queries.ts';

/** Numbers of a training log, in the order in which they are shown. */
const MEASURES = {
  loss: 'Loss',
  auroc: 'AUROC in training',
  cosineSim: 'Cosine similarity of the views',
  lr: 'Learning rate',
} as const;
type Measure = keyof typeof MEASURES;

const SIGNS = ['line', 'dashed', 'dotted'] as const;
const COLOURS = [VERMILION, BLUE, GREY];

/** A plot for each number that the log has, a line a split. */
export function drawTraining({ trainMetrics }: FoundTraining): Drawing[] {
  const { nodes, totalCount } = trainMetrics;
  const part =
    totalCount > nodes.length ? ` The first ${count(nodes.length)} of ${count(totalCount)} lines.` : '';
  return (Object.keys(MEASURES) as Measure[]).flatMap((measure) => {
    const drawing = drawMeasure(nodes, measure, part);
    return drawing === undefined ? [] : [drawing];
  });
}

interface Logged {
  readonly at: number;
  readonly split: string;
  readonly value: number;
}

function drawMeasure(rows: readonly TrainedRow[], measure: Measure, part: string): Drawing | undefined {
  const byEpoch = rows.every(({ epoch }) => epoch !== null);
  const logged: Logged[] = rows.flatMap(({ step, epoch, split, [measure]: value }) =>
    value === null ? [] : [{ at: byEpoch ? (epoch ?? step) : step, split: split ?? 'all', value }],
  );
  const [first] = logged;
  if (first === undefined) return undefined;
  // A rate that never changes is in the configuration.
  if (measure === 'lr' && logged.every(({ value }) => value === first.value)) return undefined;
  const title = MEASURES[measure];
  const splits = [...new Set(logged.map(({ split }) => split))];
  const entries: LegendEntry[] = splits.map((label, i) => ({
    label,
    colour: COLOURS[i % COLOURS.length] ?? GREY,
    sign: SIGNS[i % SIGNS.length] ?? 'line',
  }));
  const last = splits.map((split) => {
    const value = logged.findLast((row) => row.split === split)?.value;
    return `${split} ${measured(value)}`;
  });
  const lowest = Math.min(...logged.map(({ value }) => value));
  return {
    title,
    description: `By ${byEpoch ? 'epoch' : 'step'}; at the end ${last.join(', ')}.${part}`,
    rows: logged.map(({ at, split, value }) => ({
      [byEpoch ? 'epoch' : 'step']: at,
      split,
      [measure]: value,
    })),
    legend: entries,
    plot: {
      height: 240,
      marginLeft: 60,
      x: {
        label: byEpoch ? 'epoch' : 'step',
        ticks: wholeTicks(logged.map(({ at }) => at)),
        tickFormat: 'd',
      },
      y: {
        label: title.toLowerCase(),
        grid: true,
        ...(measure === 'lr' && lowest > 0 && { type: 'log' }),
        tickFormat: axisFormat(logged.map(({ value }) => value)),
      },
      marks: entries.flatMap(({ label, colour, sign }) => {
        const own = logged.filter(({ split }) => split === label);
        return [
          Plot.line(own, {
            x: 'at',
            y: 'value',
            stroke: colour,
            strokeWidth: 2,
            ...(DASHES[sign] !== undefined && { strokeDasharray: DASHES[sign] }),
          }),
          Plot.dot(own, {
            x: 'at',
            y: 'value',
            fill: colour,
            r: own.length > 60 ? 0 : 2.5,
            tip: true,
            title: ({ at, value }: Logged) =>
              `${label}, ${byEpoch ? 'epoch' : 'step'} ${at}\n${measured(value, 4)}`,
          }),
        ];
      }),
    },
  };
}
