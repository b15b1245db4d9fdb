import * as Plot from '@observablehq/plot';
import { BLUE } from '../plots/colours.ts';
import type { Drawing } from '../plots/drawing.ts';
import { count, measured } from '../ui/format.ts';
import { groupBy } from '../ui/group.ts';
import type { DetectedRun } from './queries.ts';

/** A run of a detector: how well its scores tell made-up answers from right ones. */
export interface Detection {
  readonly id: string;
  readonly method: string;
  readonly auroc: number;
  readonly low: number | null;
  readonly high: number | null;
  [column: string]: unknown;
}

export interface Detector {
  readonly method: string;
  /** Mean over its runs. */
  readonly auroc: number;
  /** The newest first. */
  readonly runs: readonly Detection[];
}

/** Detectors with their runs, the best first. Numbers that the artifacts report come before those that were recomputed. */
export function detectorsOf(runs: readonly DetectedRun[]): Detector[] {
  const detections = runs.flatMap(({ id, method, metrics }): Detection[] => {
    const known = metrics.filter(({ value }) => value !== null);
    const metric = known.find(({ source }) => source === 'reported') ?? known[0];
    if (metric === undefined || metric.value === null) return [];
    return [{ id, method: method ?? id, auroc: metric.value, low: metric.ciLow, high: metric.ciHigh }];
  });
  return [...groupBy(detections, ({ method }) => method)]
    .map(([method, own]) => ({
      method,
      auroc: own.reduce((sum, { auroc }) => sum + auroc, 0) / own.length,
      runs: own,
    }))
    .sort((a, b) => b.auroc - a.auroc);
}

/** The runs about the model and the benchmark of the newest that says how well it detects; none where no run does. */
export function newestSubject(runs: readonly DetectedRun[]): readonly DetectedRun[] {
  const newest = runs.find(({ metrics }) => metrics.some(({ value }) => value !== null));
  return newest === undefined
    ? []
    : runs.filter(({ modelId, benchmark }) => modelId === newest.modelId && benchmark === newest.benchmark);
}

/** What the numbers say in words. */
export function detectorsText(detectors: readonly Detector[]): string | undefined {
  const [best] = detectors;
  if (best === undefined) return undefined;
  const among = detectors.length === 1 ? 'The only method' : `The best of ${count(detectors.length)} methods`;
  return `${among}, ${best.method}, reaches an AUROC of ${measured(best.auroc)}: that is how often it scores a made-up answer above a right one. Guessing gets 0.5.`;
}

/** The AUROC of every run, a line a method. */
export function drawDetectors(detectors: readonly Detector[]): Drawing | undefined {
  if (detectors.length === 0) return undefined;
  const runs = detectors.flatMap((detector) => detector.runs);
  const known = runs.flatMap(({ auroc, low, high }) => [auroc, low ?? auroc, high ?? auroc]);
  return {
    title: 'AUROC by method',
    description:
      'A dot a run with its interval, a bar at the mean over the runs of a method; dashed: guessing.',
    rows: runs,
    plot: {
      height: 24 * detectors.length + 60,
      marginLeft: 190,
      x: { label: 'AUROC', domain: [Math.min(0.5, ...known) - 0.02, 1], grid: true },
      y: { label: null, domain: detectors.map(({ method }) => method) },
      marks: [
        Plot.ruleX([0.5], { stroke: 'currentColor', strokeDasharray: '6 4', strokeOpacity: 0.7 }),
        Plot.ruleY(runs, {
          y: 'method',
          x1: 'low',
          x2: 'high',
          stroke: BLUE,
          strokeOpacity: 0.5,
          strokeWidth: 2,
        }),
        Plot.tickX(detectors, { y: 'method', x: 'auroc', stroke: 'currentColor', strokeWidth: 2, inset: 5 }),
        Plot.dot(runs, {
          y: 'method',
          x: 'auroc',
          fill: BLUE,
          r: 4,
          tip: true,
          title: ({ id, auroc, low, high }: Detection) =>
            `${measured(auroc)}${low === null ? '' : ` [${measured(low)}, ${measured(high)}]`}\n${id}`,
        }),
      ],
    },
  };
}
