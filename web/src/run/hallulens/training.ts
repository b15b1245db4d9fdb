import * as Plot from '@observablehq/plot';
import { z } from 'zod';
import { BLUE, GREY, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { DASHES, type LegendEntry } from '../../plots/legend.ts';
import { axisFormat, wholeTicks } from '../../plots/ticks.ts';
import { count, measured } from '../../ui/format.ts';
import { groupBy } from '../../ui/group.ts';
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

/** A plot for each number that the log has, a line a split and part. */
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
  /** Which of several curves of the split: its layer, or what number of attempt; undefined of one. */
  readonly part: string | undefined;
  readonly value: number;
}

const ofLayer = z.object({ layer: z.union([z.number(), z.string()]) });

/**
 * The rows with the part of the log that they belong to. A log may hold the curves of several layers one after the other, or
 * of several attempts: epochs begin again then.
 */
function partsOf(rows: readonly TrainedRow[]): (TrainedRow & { readonly part: string | undefined })[] {
  const last = new Map<string, { epoch: number; attempt: number }>();
  return rows.map((row) => {
    const layer = ofLayer.safeParse(row.extra).data?.layer;
    const key = `${row.split} ${layer}`;
    const before = last.get(key) ?? { epoch: Number.NEGATIVE_INFINITY, attempt: 1 };
    const epoch = row.epoch ?? row.step;
    const attempt = before.attempt + Number(epoch < before.epoch);
    last.set(key, { epoch, attempt });
    const names = [layer === undefined ? '' : `layer ${layer}`, attempt > 1 ? `attempt ${attempt}` : ''];
    return { ...row, part: names.filter((name) => name !== '').join(', ') || undefined };
  });
}

/** Curves up to which each has its name at its end. */
const FEW = 12;

function drawMeasure(rows: readonly TrainedRow[], measure: Measure, rest: string): Drawing | undefined {
  const byEpoch = rows.every(({ epoch }) => epoch !== null);
  const unit = byEpoch ? 'epoch' : 'step';
  const logged: Logged[] = partsOf(rows).flatMap(({ step, epoch, split, part, [measure]: value }) =>
    value === null ? [] : [{ at: byEpoch ? (epoch ?? step) : step, split: split ?? 'all', part, value }],
  );
  const [first] = logged;
  if (first === undefined) return undefined;
  // A rate that never changes is in the configuration.
  if (measure === 'lr' && logged.every(({ value }) => value === first.value)) return undefined;
  const title = MEASURES[measure];
  const curves = [...groupBy(logged, ({ split, part }) => `${split} ${part}`).values()];
  const entries = [...new Set(logged.map(({ split }) => split))].map(
    (label, i): LegendEntry => ({
      label,
      colour: COLOURS[i % COLOURS.length] ?? GREY,
      sign: SIGNS[i % SIGNS.length] ?? 'line',
    }),
  );
  const ends = curves.flatMap((curve) => curve.at(-1) ?? []);
  const parts = new Set(logged.map(({ part }) => part));
  const named = parts.size > 1 && curves.length <= FEW;
  return {
    title,
    description: `By ${unit}; ${endsText(ends)}.${rest}`,
    rows: logged.map(({ at, split, part, value }) => ({ [unit]: at, split, part, [measure]: value })),
    legend: entries,
    plot: {
      height: 240,
      marginLeft: 60,
      marginRight: named ? 70 : 20,
      x: { label: unit, ticks: wholeTicks(logged.map(({ at }) => at)), tickFormat: 'd' },
      y: {
        label: title.toLowerCase(),
        grid: true,
        ...(measure === 'lr' && logged.every(({ value }) => value > 0) && { type: 'log' }),
        tickFormat: axisFormat(logged.map(({ value }) => value)),
      },
      marks: [
        ...curves.map((curve) => {
          const entry = entries.find(({ label }) => label === curve[0]?.split);
          const dash = entry && DASHES[entry.sign];
          return Plot.line(curve, {
            x: 'at',
            y: 'value',
            stroke: entry?.colour ?? GREY,
            strokeWidth: parts.size > 1 ? 1.3 : 2,
            ...(dash !== undefined && { strokeDasharray: dash }),
          });
        }),
        Plot.dot(ends, { x: 'at', y: 'value', r: 3, fill: ({ split }: Logged) => colourOf(entries, split) }),
        named
          ? Plot.text(ends, {
              x: 'at',
              y: 'value',
              text: 'part',
              textAnchor: 'start',
              dx: 6,
              fill: 'currentColor',
            })
          : undefined,
        Plot.tip(
          logged,
          Plot.pointer({
            x: 'at',
            y: 'value',
            title: ({ at, split, part, value }: Logged) =>
              `${[split, part].filter((name) => name !== undefined).join(', ')}, ${unit} ${at}\n${measured(value, 4)}`,
          }),
        ),
      ],
    },
  };
}

function colourOf(entries: readonly LegendEntry[], split: string): string {
  return entries.find(({ label }) => label === split)?.colour ?? GREY;
}

/** Where curves end: each of a few, between what many do. */
function endsText(ends: readonly Logged[]): string {
  if (ends.length <= 3) {
    const each = ends.map(({ split, part, value }) =>
      [split, part, measured(value)].filter((word) => word !== undefined).join(' '),
    );
    return `at the end ${each.join(', ')}`;
  }
  const values = ends.map(({ value }) => value);
  return `${ends.length} curves, at the end between ${measured(Math.min(...values))} and ${measured(Math.max(...values))}`;
}
