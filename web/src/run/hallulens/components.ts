import * as Plot from '@observablehq/plot';
import { BLUE, GREY, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { count, percent } from '../../ui/format.ts';
import type { FoundComponents } from './queries.ts';

const LABELS = [
  { label: 'made up', colour: VERMILION, sign: 'dot', halu: true },
  { label: 'right', colour: BLUE, sign: 'ring', halu: false },
  { label: 'not labelled', colour: GREY, sign: 'dot', halu: null },
] as const;

interface Shown {
  readonly exampleId: string | null;
  readonly tokenIndex: number | null;
  readonly label: string;
  readonly first: number;
  readonly second: number;
  [column: string]: unknown;
}

/** Activations of a layer in their first two principal components; undefined where there are fewer. */
export function drawComponents({ pcaActivations }: FoundComponents): Drawing | undefined {
  const [found] = pcaActivations;
  if (found === undefined || found.components.length < 2) return undefined;
  const { layer, n, nUndefined, components, points } = found;
  const shown: Shown[] = points.flatMap(({ exampleId, tokenIndex, halu, scores: [first, second] }) =>
    first === undefined || second === undefined
      ? []
      : [{ exampleId, tokenIndex, label: nameOf(halu), first, second }],
  );
  const used = LABELS.filter(({ label }) => shown.some((point) => point.label === label));
  const axis = (i: number) =>
    `component ${i + 1} (${percent(components[i]?.explainedVarianceRatio)} of the variance)`;
  return {
    title: 'Principal components of the activations',
    description: [
      `Layer ${layer}: `,
      points.length < n
        ? `${count(points.length)} of ${count(n)} activations, evenly spaced`
        : `${count(n)} activations`,
      ' in the two directions in which they vary most',
      nUndefined > 0 && `; ${count(nUndefined)} with infinite values or NaN are left out`,
      '.',
    ]
      .filter((text) => typeof text === 'string')
      .join(''),
    rows: shown,
    legend: used.map(({ label, colour, sign }) => ({ label, colour, sign })),
    plot: {
      height: 420,
      x: { label: axis(0), nice: true },
      y: { label: axis(1), nice: true, grid: true },
      marks: used.map(({ label, colour, sign }) =>
        Plot.dot(
          shown.filter((point) => point.label === label),
          {
            x: 'first',
            y: 'second',
            r: 3.5,
            ...(sign === 'ring' ? { stroke: colour, strokeWidth: 1.4 } : { fill: colour, fillOpacity: 0.75 }),
            tip: true,
            title: ({ exampleId, tokenIndex }: Shown) =>
              [label, exampleId, tokenIndex === null ? null : `token ${tokenIndex}`]
                .filter((line) => line !== null)
                .join('\n'),
          },
        ),
      ),
    },
  };
}

function nameOf(halu: boolean | null): string {
  return LABELS.find((label) => label.halu === halu)?.label ?? '';
}
