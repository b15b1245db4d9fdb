import * as Plot from '@observablehq/plot';
import { count, measured } from '../ui/format.ts';
import type { LegendEntry } from './legend.ts';
import { axisFormat } from './ticks.ts';

/** One bin of two histograms over the same range. */
export interface PairedBin {
  readonly low: number;
  readonly high: number;
  readonly above: number;
  readonly below: number;
}

/** Something that is counted in one of the two histograms. */
export interface Counted {
  readonly value: number;
  readonly above: number;
  readonly below: number;
}

export interface BinOptions {
  readonly bins: number;
  /** Of the values, without it. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** Counts of equal bins; the last one has its upper end. */
export function pairedBins(counted: readonly Counted[], { bins, range }: BinOptions): PairedBin[] {
  if (counted.length === 0) return [];
  let [low, high] = range ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { value } of counted) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const spread = (high - low) / bins;
  // One value has one bin, around it; so have values too near each other for numbers in between.
  const single = spread === 0;
  const width = single ? Math.abs(low) / 100 || 1 : spread;
  const start = single ? low - width / 2 : low;
  const found = Array.from({ length: single ? 1 : bins }, (_, i) => ({
    low: start + i * width,
    high: start + (i + 1) * width,
    above: 0,
    below: 0,
  }));
  for (const { value, above, below } of counted) {
    const bin = found[Math.min(found.length - 1, Math.floor((value - start) / width))];
    if (bin === undefined) continue;
    bin.above += above;
    bin.below += below;
  }
  return found;
}

export interface BackToBack {
  readonly above: LegendEntry;
  readonly below: LegendEntry;
  /** What is counted: "answers". */
  readonly counted: string;
  readonly x: string;
}

/** Two histograms, one above and one below the same axis: place tells them apart, colour only helps. */
export function backToBack(
  bins: readonly PairedBin[],
  { above, below, counted, x }: BackToBack,
): Plot.PlotOptions {
  return {
    x: { label: x, tickFormat: axisFormat(bins.flatMap(({ low, high }) => [low, high])), ticks: 8 },
    y: { label: counted, grid: true, tickFormat: (n: number) => count(Math.abs(n)) },
    marks: [
      Plot.rectY(bins, { x1: 'low', x2: 'high', y: 'above', fill: above.colour, insetLeft: 1 }),
      Plot.rectY(bins, {
        x1: 'low',
        x2: 'high',
        y: (bin: PairedBin) => -bin.below,
        fill: below.colour,
        insetLeft: 1,
      }),
      Plot.ruleY([0]),
      Plot.tip(
        bins,
        Plot.pointerX({
          x: ({ low, high }: PairedBin) => (low + high) / 2,
          y: () => 0,
          title: (bin: PairedBin) =>
            [
              `${measured(bin.low)} to ${measured(bin.high)}`,
              `${above.label}: ${count(bin.above)}`,
              `${below.label}: ${count(bin.below)}`,
            ].join('\n'),
        }),
      ),
    ],
  };
}
