import * as Plot from '@observablehq/plot';
import { backToBack, pairedBins } from '../../plots/back-to-back.ts';
import { BLUE, GREY, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { count, measured } from '../../ui/format.ts';
import { type Bands, RESAMPLES } from './resampling.ts';
import {
  areProbabilities,
  auroc,
  averagePrecision,
  type CurvePoint,
  calibrationError,
  curveOf,
  type ReliabilityBin,
  reliabilityBins,
  type ScoreGroup,
  totalsOf,
} from './scored.ts';

const HISTOGRAM_BINS = 30;
const RELIABILITY_BINS = 10;
const DIAGONAL = [
  [0, 0],
  [1, 1],
];

/** How many examples a plot is of, and what fell together so that it could be drawn. */
export function basisOf(groups: readonly ScoreGroup[]): string {
  const { positives, negatives } = totalsOf(groups);
  const scores = groups.reduce((sum, group) => sum + group.scores, 0);
  const together =
    scores > groups.length
      ? ` Of ${count(scores)} different scores neighbours are taken together, ${count(groups.length)} in all.`
      : '';
  return `${count(positives)} made up, ${count(negatives)} right.${together}`;
}

const MADE_UP = { label: 'made up', colour: VERMILION, sign: 'area' } as const;
const RIGHT = { label: 'right', colour: BLUE, sign: 'area' } as const;

/** Scores of both classes back to back; undefined without scores. */
export function drawHistogram(groups: readonly ScoreGroup[]): Drawing | undefined {
  if (groups.length === 0) return undefined;
  const bins = pairedBins(
    groups.map(({ score, positives, negatives }) => ({ value: score, above: positives, below: negatives })),
    { bins: HISTOGRAM_BINS, range: areProbabilities(groups) ? [0, 1] : undefined },
  );
  return {
    title: 'Scores by label',
    description: `Made-up answers stand above the line, right ones hang below; the further apart, the better the score tells them. ${basisOf(groups)}`,
    rows: bins.map(({ low, high, above, below }) => ({ low, high, madeUp: above, right: below })),
    legend: [
      { ...MADE_UP, label: 'made up (above)' },
      { ...RIGHT, label: 'right (below)' },
    ],
    plot: backToBack(bins, {
      above: MADE_UP,
      below: RIGHT,
      counted: 'answers',
      x: 'score (higher: rather made up)',
    }),
  };
}

const bandLegend = { label: '95 % band', colour: GREY, sign: 'area' } as const;

function bandMark(points: Bands['roc']): Plot.Markish {
  return Plot.areaY(points, { x: 'at', y1: 'low', y2: 'high', fill: GREY, fillOpacity: 0.3 });
}

function curveTip(points: readonly CurvePoint[], x: keyof CurvePoint, y: keyof CurvePoint): Plot.Markish {
  return Plot.tip(
    points.filter(({ threshold }) => Number.isFinite(threshold)),
    Plot.pointer({
      x,
      y,
      title: ({ threshold, truePositiveRate, falsePositiveRate, precision }: CurvePoint) =>
        [
          `score at least ${measured(threshold, 4)}`,
          `true positive rate (recall) ${measured(truePositiveRate)}`,
          `false positive rate ${measured(falsePositiveRate)}`,
          `precision ${measured(precision)}`,
        ].join('\n'),
    }),
  );
}

function square(x: string, y: string): Plot.PlotOptions {
  return { height: 400, x: { label: x, domain: [0, 1] }, y: { label: y, domain: [0, 1], grid: true } };
}

const BOOTSTRAP = `pointwise band of ${RESAMPLES} bootstrap resamples`;

/** The receiver operating characteristic with its area and band; undefined without both classes. */
export function drawRoc(groups: readonly ScoreGroup[], bands: Bands | undefined): Drawing | undefined {
  const area = auroc(groups);
  if (area === undefined) return undefined;
  const curve = curveOf(groups);
  const interval = Number.isFinite(area.low)
    ? ` (DeLong 95 %: ${measured(area.low)} to ${measured(area.high)})`
    : '';
  return {
    title: 'ROC',
    description: `Area ${measured(area.value)}${interval}${bands ? `; ${BOOTSTRAP}` : ''}; dashed: guessing. ${basisOf(groups)}`,
    rows: curve.map((point) => ({ ...point })),
    legend: [
      { label: `area ${measured(area.value)}`, colour: BLUE, sign: 'line' },
      ...(bands ? [bandLegend] : []),
      { label: 'guessing', colour: 'currentColor', sign: 'dashed' },
    ],
    plot: {
      ...square('false positive rate', 'true positive rate'),
      marks: [
        bands && bandMark(bands.roc),
        Plot.line(DIAGONAL, { strokeDasharray: '6 4', strokeOpacity: 0.7 }),
        Plot.line(curve, {
          x: 'falsePositiveRate',
          y: 'truePositiveRate',
          stroke: BLUE,
          strokeWidth: 2,
        }),
        curveTip(curve, 'falsePositiveRate', 'truePositiveRate'),
      ],
    },
  };
}

/** Precision by recall with its average and band; undefined without both classes. */
export function drawPrecision(groups: readonly ScoreGroup[], bands: Bands | undefined): Drawing | undefined {
  const curve = curveOf(groups);
  if (curve.length === 0) return undefined;
  const { positives, negatives } = totalsOf(groups);
  const rate = positives / (positives + negatives);
  const average = averagePrecision(curve);
  const interval = bands
    ? ` (bootstrap 95 %: ${measured(bands.averagePrecision.low)} to ${measured(bands.averagePrecision.high)}); ${BOOTSTRAP}`
    : '';
  return {
    title: 'Precision and recall',
    description: `Average precision ${measured(average)}${interval}; dashed: guessing, ${measured(rate)}. ${basisOf(groups)}`,
    rows: curve.map((point) => ({ ...point })),
    legend: [
      { label: `average precision ${measured(average)}`, colour: BLUE, sign: 'line' },
      ...(bands ? [bandLegend] : []),
      { label: 'guessing', colour: 'currentColor', sign: 'dashed' },
    ],
    plot: {
      ...square('recall', 'precision'),
      marks: [
        bands && bandMark(bands.precision),
        Plot.ruleY([rate], { strokeDasharray: '6 4', strokeOpacity: 0.7 }),
        // Precision holds for all of the step of recall that leads to it; of nothing there is none.
        Plot.line(stepsOf(curve), {
          x: 'truePositiveRate',
          y: 'precision',
          stroke: BLUE,
          strokeWidth: 2,
          curve: 'step-before',
        }),
        curveTip(curve, 'truePositiveRate', 'precision'),
      ],
    },
  };
}

function stepsOf([none, ...points]: readonly CurvePoint[]): CurvePoint[] {
  const [first] = points;
  return none === undefined || first === undefined
    ? []
    : [{ ...none, precision: first.precision }, ...points];
}

/** How often answers are made up where the score says a probability; undefined where scores are none. */
export function drawCalibration(groups: readonly ScoreGroup[]): Drawing | undefined {
  if (groups.length === 0 || !areProbabilities(groups)) return undefined;
  const bins = reliabilityBins(groups, RELIABILITY_BINS);
  return {
    title: 'Calibration',
    description: `Share of made-up answers where the score, read as a probability, is about so high: ${bins.length === 1 ? 'one bin' : `${bins.length} bins of about equally many answers`}, 95 % Wilson intervals; dashed: as it should be. Expected calibration error ${measured(calibrationError(groups))} over 15 bins of equal width. ${basisOf(groups)}`,
    rows: bins.map((bin) => ({ ...bin })),
    legend: [
      { label: 'share made up', colour: BLUE, sign: 'dot' },
      { label: 'as it should be', colour: 'currentColor', sign: 'dashed' },
    ],
    plot: {
      ...square('score', 'share made up'),
      marks: [
        Plot.line(DIAGONAL, { strokeDasharray: '6 4', strokeOpacity: 0.7 }),
        Plot.ruleX(bins, { x: 'meanScore', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 1.5 }),
        Plot.line(bins, { x: 'meanScore', y: 'share', stroke: BLUE, strokeOpacity: 0.5 }),
        Plot.dot(bins, {
          x: 'meanScore',
          y: 'share',
          fill: BLUE,
          r: 4,
          tip: true,
          title: ({ meanScore, share, low, high, count: n, positives }: ReliabilityBin) =>
            [
              `mean score ${measured(meanScore)}`,
              `${count(positives)} of ${count(n)} made up: ${measured(share)}`,
              `95 % ${measured(low)} to ${measured(high)}`,
            ].join('\n'),
        }),
      ],
    },
  };
}
