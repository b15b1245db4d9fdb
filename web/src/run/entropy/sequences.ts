import * as Plot from '@observablehq/plot';
import { backToBack, pairedBins } from '../../plots/back-to-back.ts';
import { BLUE, GREEN, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import type { LegendEntry } from '../../plots/legend.ts';
import { axisFormat } from '../../plots/ticks.ts';
import { count, measured } from '../../ui/format.ts';
import type { Comparison } from './queries.ts';

const BINS = 40;

/** What a sequence contributes: measured, and predicted with or without the quadratic term. */
interface Contribution {
  readonly sequence: number;
  readonly tokens: number | null;
  readonly truth: number;
  readonly linear: number | null;
  readonly linquad: number | null;
  [column: string]: unknown;
}

const TRUE: LegendEntry = { label: 'true', colour: VERMILION, sign: 'area' };
const LINEAR: LegendEntry = { label: 'linear', colour: BLUE, sign: 'ring' };
const LINQUAD: LegendEntry = { label: 'linear + quadratic', colour: GREEN, sign: 'dot' };

function contributionsOf({ sequences }: Comparison): Contribution[] {
  return sequences.flatMap(({ sequence, tokenCount, trueContrib, linear, linquad }) =>
    trueContrib === null || (linear === null && linquad === null)
      ? []
      : [{ sequence, tokens: tokenCount, truth: trueContrib, linear, linquad }],
  );
}

function basisOf({ eta, nSequences }: Comparison, drawn: number): string {
  const of = nSequences !== null && nSequences > drawn ? ` of ${count(nSequences)}` : '';
  return `${count(drawn)}${of} sequences at η = ${measured(eta)}`;
}

/** The true contribution of each sequence against the predicted one; undefined where sequences are not recorded. */
export function drawScatter(comparison: Comparison): Drawing | undefined {
  const contributions = contributionsOf(comparison);
  if (contributions.length === 0) return undefined;
  const curved = contributions.some(({ linquad }) => linquad !== null);
  const predicted = contributions.flatMap(({ linear, linquad }) => [linear ?? 0, linquad ?? 0]);
  const shared = [
    Math.max(...[Math.min(...predicted), Math.min(...contributions.map(({ truth }) => truth))]),
    Math.min(...[Math.max(...predicted), Math.max(...contributions.map(({ truth }) => truth))]),
  ];
  const mark = (key: 'linear' | 'linquad', entry: LegendEntry) =>
    Plot.dot(
      contributions.filter((row) => row[key] !== null),
      {
        x: key,
        y: 'truth',
        r: 3,
        ...(entry.sign === 'ring'
          ? { stroke: entry.colour, strokeOpacity: 0.8 }
          : { fill: entry.colour, fillOpacity: 0.6 }),
        tip: true,
        title: (row: Contribution) =>
          [
            `sequence ${row.sequence}${row.tokens === null ? '' : `, ${count(row.tokens)} tokens`}`,
            `true ${measured(row.truth)}`,
            `${entry.label} ${measured(row[key])}`,
          ].join('\n'),
      },
    );
  return {
    title: 'True against predicted, by sequence',
    description: `${basisOf(comparison, contributions.length)}; on the dashed line the prediction is what happened. Sequences add up to the change of entropy.`,
    rows: contributions,
    legend: [
      LINEAR,
      ...(curved ? [LINQUAD] : []),
      { label: 'equal', colour: 'currentColor', sign: 'dashed' },
    ],
    plot: {
      height: 400,
      marginLeft: 70,
      x: { label: 'predicted contribution', tickFormat: axisFormat(predicted), ticks: 6 },
      y: {
        label: 'true contribution',
        grid: true,
        tickFormat: axisFormat(contributions.map(({ truth }) => truth)),
      },
      marks: [
        Plot.line(
          shared.map((value) => [value, value]),
          { strokeDasharray: '6 4', strokeOpacity: 0.7 },
        ),
        mark('linear', LINEAR),
        curved ? mark('linquad', LINQUAD) : undefined,
      ],
    },
  };
}

/** How contributions are spread: measured above, predicted below; undefined where sequences are not recorded. */
export function drawSpread(comparison: Comparison): Drawing | undefined {
  const contributions = contributionsOf(comparison);
  if (contributions.length === 0) return undefined;
  const curved = contributions.some(({ linquad }) => linquad !== null);
  const below = curved ? LINQUAD : LINEAR;
  const bins = pairedBins(
    contributions.flatMap(({ truth, linear, linquad }) => {
      const predicted = curved ? linquad : linear;
      return [
        { value: truth, above: 1, below: 0 },
        ...(predicted === null ? [] : [{ value: predicted, above: 0, below: 1 }]),
      ];
    }),
    { bins: BINS },
  );
  const { deltaHTrue, linear, linquad } = comparison;
  return {
    title: 'Contributions of the sequences',
    description: `${basisOf(comparison, contributions.length)}; in sum ${measured(deltaHTrue)} true, ${measured(linear)} linear${
      curved ? `, ${measured(linquad)} with the quadratic term` : ''
    }.`,
    rows: bins.map(({ low, high, above, below: predicted }) => ({ low, high, true: above, predicted })),
    legend: [
      { ...TRUE, label: 'true (above)' },
      { ...below, label: `${below.label} (below)`, sign: 'area' },
    ],
    plot: {
      ...backToBack(bins, { above: TRUE, below, counted: 'sequences', x: 'contribution' }),
      height: 400,
    },
  };
}
