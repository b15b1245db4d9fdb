import { isJsonObject, type JsonObject } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import type { HeadPlace } from './ranking.ts';
import type { CleanMean } from './vectors.ts';

/** What the contract's other files cannot exceed. */
const MAX_INDEX = 10_000;

/** What an artifact says about the model: at least so many layers and heads. */
export interface ShapeEvidence {
  readonly file: string;
  readonly layers?: number | undefined;
  readonly heads?: number | undefined;
}

/** Depth of the model and query heads of a layer, as far as the artifacts tell. */
export interface ModelShape {
  readonly layers: number | undefined;
  readonly heads: number | undefined;
}

/** `0-2, 5`: whole numbers in ascending order, neighbours joined. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const open = ranges.at(-1);
    if (open?.[1] === number - 1) open[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}

/** `0`, `1`, … `count - 1`. */
export function firstIndices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** One more than the highest; undefined without any. */
export function countOf(indices: Iterable<number>): number | undefined {
  let count = 0;
  for (const index of indices) count = Math.max(count, index + 1);
  return count === 0 ? undefined : count;
}

/** How many layers and heads the places of heads in a file are evidence of. */
export function placesEvidence(file: string, places: readonly HeadPlace[]): ShapeEvidence {
  return {
    file,
    layers: countOf(places.map(({ layer }) => layer)),
    heads: countOf(places.map(({ head }) => head)),
  };
}

/** `perf_stats.json` counts layers and heads for each relation query. */
export function perfEvidence(file: string, perf: JsonObject): ShapeEvidence {
  const groups = isJsonObject(perf['groups']) ? Object.values(perf['groups']) : [];
  const most = (key: string): number | undefined => {
    const found = groups.map((group) => (isJsonObject(group) ? asNumber(group[key]) : undefined) ?? 0);
    return Math.min(Math.max(0, ...found), MAX_INDEX) || undefined;
  };
  return { file, layers: most('n_layers'), heads: most('n_heads') };
}

/**
 * The mean activations have every layer and head of the model; without them the artifact that knows most counts,
 * which an unfinished sweep may leave short. An artifact that knows of more than there is becomes an issue.
 */
export function modelShape(
  cleanMean: CleanMean | undefined,
  evidence: readonly ShapeEvidence[],
  log: IssueLog,
): ModelShape {
  const most = (of: (item: ShapeEvidence) => number | undefined): number | undefined =>
    Math.max(0, ...evidence.map((item) => of(item) ?? 0)) || undefined;
  if (cleanMean === undefined)
    return { layers: most(({ layers }) => layers), heads: most(({ heads }) => heads) };
  for (const { file, layers = 0, heads = 0 } of evidence) {
    if (layers <= cleanMean.layers && heads <= cleanMean.heads) continue;
    const message = `tells of ${layers} layers and ${heads} heads; ${cleanMean.file} has ${cleanMean.layers} and ${cleanMean.heads}`;
    log.warn({ code: 'MODEL_SHAPE_MISMATCH', file, message });
  }
  return { layers: cleanMean.layers, heads: cleanMean.heads };
}
