import * as Plot from '@observablehq/plot';
import { BLUE, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { type Interval, wilson } from '../../plots/intervals.ts';
import { count, percent } from '../../ui/format.ts';
import type { MetricRow } from '../metrics.ts';

/** Metrics that the plots of ChaosBench are made of. */
export const CHAOS_METRICS = ['correct', 'valid', 'total', 'pred_true_rate', 'gt_true_rate'] as const;
type ChaosMetric = (typeof CHAOS_METRICS)[number];

const OVERALL = 'all items';

export interface FamilyScore extends Interval {
  readonly family: string;
  /** Share of the valid answers that are right. */
  readonly accuracy: number;
  readonly correct: number;
  readonly valid: number;
  readonly total: number | undefined;
}

export interface FamilyBias {
  readonly family: string;
  /** Share of the valid answers that are TRUE. */
  readonly answeredTrue: number;
  /** Share of the same items whose answer is TRUE. */
  readonly isTrue: number;
  readonly bias: number;
}

type Numbers = Readonly<Partial<Record<ChaosMetric, number>>>;

/** The numbers of every family and of all items; those that Runlake counted itself before those that were reported. */
function numbersByFamily(metrics: readonly MetricRow[]): Map<string, Numbers> {
  const wanted: ReadonlySet<string> = new Set(CHAOS_METRICS);
  const found = new Map<string, Partial<Record<string, number>>>();
  for (const { scope, metric, value, source } of metrics) {
    const family = scope === 'overall' ? OVERALL : scope.startsWith('family:') ? scope.slice(7) : undefined;
    if (family === undefined || value === null || !wanted.has(metric)) continue;
    const numbers = found.get(family) ?? {};
    if (source === 'recomputed' || numbers[metric] === undefined) numbers[metric] = value;
    found.set(family, numbers);
  }
  return found;
}

/** Accuracy of each family with its interval, the best first, and of all items at the end. */
export function familyScores(metrics: readonly MetricRow[]): FamilyScore[] {
  const scores = [...numbersByFamily(metrics)].flatMap(([family, { correct, valid, total }]) =>
    correct === undefined || valid === undefined || valid === 0
      ? []
      : [{ family, accuracy: correct / valid, ...wilson(correct, valid), correct, valid, total }],
  );
  return scores.sort(
    (a, b) => Number(a.family === OVERALL) - Number(b.family === OVERALL) || b.accuracy - a.accuracy,
  );
}

/** Families none of whose answers is valid. */
export function silentFamilies(metrics: readonly MetricRow[]): string[] {
  return [...numbersByFamily(metrics)].flatMap(([family, { valid }]) => (valid === 0 ? [family] : []));
}

/** How much more often than it is right a model says TRUE, by family. */
export function familyBiases(metrics: readonly MetricRow[]): FamilyBias[] {
  const biases = [...numbersByFamily(metrics)].flatMap(([family, numbers]) => {
    const { pred_true_rate: answeredTrue, gt_true_rate: isTrue, valid } = numbers;
    return answeredTrue === undefined || isTrue === undefined || valid === 0
      ? []
      : [{ family, answeredTrue, isTrue, bias: answeredTrue - isTrue }];
  });
  return biases.sort(
    (a, b) => Number(a.family === OVERALL) - Number(b.family === OVERALL) || b.bias - a.bias,
  );
}

const readable = (family: string) => family.replaceAll('_', ' ');
const rowHeight = 24;

/** Accuracy by family as bars with Wilson intervals; undefined for runs without. */
export function drawFamilies(metrics: readonly MetricRow[]): Drawing | undefined {
  const scores = familyScores(metrics);
  if (scores.length === 0) return undefined;
  const silent = silentFamilies(metrics).map(readable);
  const overall = scores.find(({ family }) => family === OVERALL);
  return {
    title: 'Accuracy by family',
    description: `Share of valid answers that are right, with 95 % Wilson intervals${
      overall === undefined ? '' : `; ${percent(overall.accuracy)} of all ${count(overall.valid)}`
    }. Dashed: a coin.${silent.length > 0 ? ` No valid answer: ${silent.join(', ')}.` : ''}`,
    rows: scores.map((score) => ({ ...score })),
    plot: {
      height: scores.length * rowHeight + 60,
      marginLeft: 150,
      marginRight: 50,
      x: { label: 'accuracy', domain: [0, 1], grid: true, percent: false },
      y: { label: null, domain: scores.map(({ family }) => family), tickFormat: readable },
      marks: [
        Plot.barX(scores, {
          y: 'family',
          x: 'accuracy',
          fill: BLUE,
          fillOpacity: ({ family }: FamilyScore) => (family === OVERALL ? 1 : 0.65),
          insetTop: 3,
          insetBottom: 3,
        }),
        Plot.ruleX([0.5], { stroke: 'currentColor', strokeDasharray: '6 4', strokeOpacity: 0.7 }),
        Plot.ruleY(scores, { y: 'family', x1: 'low', x2: 'high', stroke: 'currentColor', strokeWidth: 1.5 }),
        Plot.tickX(scores, { y: 'family', x: 'low', stroke: 'currentColor', inset: 7 }),
        Plot.tickX(scores, { y: 'family', x: 'high', stroke: 'currentColor', inset: 7 }),
        Plot.text(scores, {
          y: 'family',
          text: ({ valid }: FamilyScore) => count(valid),
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 6,
          fill: 'currentColor',
        }),
        Plot.tip(
          scores,
          Plot.pointerY({
            y: 'family',
            x: 'accuracy',
            title: ({ family, accuracy, low, high, correct, valid, total }: FamilyScore) =>
              [
                `${readable(family)}: ${percent(accuracy)}`,
                `95 % ${percent(low)} to ${percent(high)}`,
                `${count(correct)} of ${count(valid)} valid answers${total === undefined ? '' : `, ${count(total)} items`}`,
              ].join('\n'),
          }),
        ),
      ],
    },
  };
}

/** How often the model says TRUE beside how often it is, by family; undefined for runs without. */
export function drawBias(metrics: readonly MetricRow[]): Drawing | undefined {
  const biases = familyBiases(metrics);
  if (biases.length === 0) return undefined;
  return {
    title: 'Bias by family',
    description:
      'How often the model answers TRUE and how often TRUE is right, among valid answers; the longer the line, the more it leans to one answer.',
    rows: biases.map((bias) => ({ ...bias })),
    legend: [
      { label: 'answers TRUE', colour: VERMILION, sign: 'dot' },
      { label: 'TRUE is right', colour: BLUE, sign: 'ring' },
    ],
    plot: {
      height: biases.length * rowHeight + 60,
      marginLeft: 150,
      x: { label: 'share', domain: [0, 1], grid: true },
      y: { label: null, domain: biases.map(({ family }) => family), tickFormat: readable },
      marks: [
        Plot.ruleY(biases, {
          y: 'family',
          x1: 'isTrue',
          x2: 'answeredTrue',
          stroke: VERMILION,
          strokeWidth: 2,
        }),
        Plot.dot(biases, { y: 'family', x: 'isTrue', stroke: BLUE, strokeWidth: 1.5, r: 5 }),
        Plot.dot(biases, { y: 'family', x: 'answeredTrue', fill: VERMILION, r: 3.5 }),
        Plot.tip(
          biases,
          Plot.pointerY({
            y: 'family',
            x: 'answeredTrue',
            title: ({ family, answeredTrue, isTrue }: FamilyBias) =>
              `${readable(family)}\nanswers TRUE: ${percent(answeredTrue)}\nTRUE is right: ${percent(isTrue)}`,
          }),
        ),
      ],
    },
  };
}
