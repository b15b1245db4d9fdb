import type * as Plot from '@observablehq/plot';
import type { LegendEntry, Ramp } from './legend.ts';

/** A plot before it is drawn: what a pure function makes of data. */
export interface Drawing {
  readonly title: string;
  /** What the plot says, for those who cannot see it and those who wonder how to read it. */
  readonly description: string;
  /** The numbers that are drawn; what the CSV has. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly plot: Plot.PlotOptions;
  /** What the marks stand for; part of the drawing, so that a file of it has it too. */
  readonly legend?: readonly LegendEntry[];
  /** What the colours of a continuous scale stand for. */
  readonly ramp?: Ramp;
}
