import * as Plot from '@observablehq/plot';
import { BLUE, GREEN, GREY, PURPLE, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { DASHES, type LegendEntry } from '../../plots/legend.ts';
import { wholeTicks } from '../../plots/ticks.ts';
import { count, measured } from '../../ui/format.ts';
import { groupBy } from '../../ui/group.ts';
import type { Injection } from './queries.ts';

/** What an injection is measured by, and the columns that hold it without and with the vector. */
export const MEASURES = {
  accuracy: { title: 'accuracy', base: 'accBase', with: 'accWith' },
  probability: { title: 'probability of the answer', base: 'meanPBase', with: 'meanPWith' },
  logprob: { title: 'log-probability of the answer', base: 'meanLogprobBase', with: 'meanLogprobWith' },
} as const;
export type Measure = keyof typeof MEASURES;

export const QUERY_SETS = {
  held_out: 'held-out pairs',
  extraction: 'the examples it was made of',
} as const;
export type QuerySet = keyof typeof QUERY_SETS;

/** Vectors that are added, as `vector_kind` names them. */
const VECTORS: Readonly<Record<string, LegendEntry>> = {
  function_vector: { label: 'function vector', colour: VERMILION, sign: 'line' },
  distributed: { label: 'each head mean at its own layer', colour: PURPLE, sign: 'line' },
  random_vector: { label: 'random vector of its length', colour: GREY, sign: 'dashed' },
  random_heads: { label: 'vector of random heads', colour: GREEN, sign: 'dotted' },
  other_query: { label: 'vector of another relation', colour: BLUE, sign: 'dashed' },
};

export interface InjectionPoint {
  readonly vector: string;
  readonly layer: number;
  /** Mean over draws and relation queries, and between what they lie. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** How many rows it is the mean of. */
  readonly of: number;
  [column: string]: unknown;
}

function kindOf({ vectorKind }: Injection): string {
  return vectorKind ?? 'function_vector';
}

/** The examples that a run injected on; held-out ones first. */
export function querySetsOf(rows: readonly Injection[]): QuerySet[] {
  const found = new Set(rows.map(({ querySet }) => querySet ?? 'extraction'));
  return (Object.keys(QUERY_SETS) as QuerySet[]).filter((set) => found.has(set));
}

/** A point a vector and layer; random controls are averaged over their draws. */
export function pointsOf(rows: readonly Injection[], measure: Measure): InjectionPoint[] {
  const values = rows.flatMap((row) => {
    const value = row[MEASURES[measure].with];
    return value === null ? [] : [{ vector: kindOf(row), layer: row.layer, value }];
  });
  return [...groupBy(values, ({ vector, layer }) => `${vector} ${layer}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const found = group.map(({ value }) => value);
    return {
      vector: first.vector,
      layer: first.layer,
      value: mean(found),
      low: Math.min(...found),
      high: Math.max(...found),
      of: found.length,
    };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What adding each vector behind each block does; undefined where nothing was added. */
export function drawInjections(
  all: readonly Injection[],
  measure: Measure,
  set: QuerySet | undefined,
): Drawing | undefined {
  const chosen = set ?? querySetsOf(all)[0];
  const rows = all.filter(({ querySet }) => (querySet ?? 'extraction') === chosen);
  const points = pointsOf(rows, measure);
  if (chosen === undefined || points.length === 0) return undefined;
  const { title, base } = MEASURES[measure];
  const bases = rows.flatMap((row) => row[base] ?? []);
  const baseline = bases.length === 0 ? undefined : mean(bases);
  const flat = measure !== 'logprob' && points.every(({ high }) => high === 0);
  const examples = Math.max(...rows.map(({ nEval }) => nEval ?? 0));
  const kinds = Object.entries(VECTORS).filter(([kind]) => points.some(({ vector }) => vector === kind));
  const best = points
    .filter(({ vector }) => vector === 'function_vector')
    .reduce<InjectionPoint | undefined>((a, b) => (a === undefined || b.value > a.value ? b : a), undefined);
  return {
    title: 'Adding the vector',
    description: [
      `Zero-shot ${title} on ${QUERY_SETS[chosen]}${examples > 0 ? ` (${count(examples)})` : ''} with a vector added behind each block`,
      best && `: at best ${measured(best.value)} behind block ${best.layer}`,
      baseline !== undefined && `, ${measured(baseline)} with nothing added`,
      points.some(({ of }) => of > 1) && '; bands are between the least and the greatest draw',
      '.',
    ]
      .filter((part) => typeof part === 'string')
      .join(''),
    rows: points.map((point) => ({ ...point, baseline })),
    legend: [
      ...kinds.map(([, entry]) => entry),
      ...(baseline === undefined
        ? []
        : [{ label: 'nothing added', colour: 'currentColor', sign: 'dotted' } as const]),
    ],
    plot: {
      x: {
        label: 'added behind block',
        ticks: wholeTicks(points.map(({ layer }) => layer)),
        tickFormat: 'd',
      },
      y: {
        label: title,
        grid: true,
        nice: true,
        zero: measure !== 'logprob',
        // Where nothing is ever right there is no scale to find.
        ...(flat && { domain: [0, 1] }),
      },
      marks: [
        Plot.ruleY(baseline === undefined ? [] : [baseline], { strokeDasharray: DASHES.dotted ?? '' }),
        ...kinds.flatMap(([kind, { colour, sign, label }]) => {
          const own = points.filter(({ vector }) => vector === kind);
          const several = own.some(({ of }) => of > 1);
          return [
            several && Plot.areaY(own, { x: 'layer', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.2 }),
            Plot.line(own, {
              x: 'layer',
              y: 'value',
              stroke: colour,
              strokeWidth: 2,
              ...(DASHES[sign] !== undefined && { strokeDasharray: DASHES[sign] }),
            }),
            Plot.dot(own, {
              x: 'layer',
              y: 'value',
              fill: colour,
              r: 3,
              tip: true,
              title: ({ layer, value }: InjectionPoint) =>
                `${label}\nbehind block ${layer}: ${measured(value)}`,
            }),
          ].filter((mark) => mark !== false);
        }),
      ],
    },
  };
}
