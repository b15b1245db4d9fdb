import type { ComparedRun } from './queries.ts';

/** What tells runs apart, the coarsest first. */
const PARTS = {
  family: ({ family }) => family,
  method: ({ method }) => method,
  model: ({ modelId }) => modelId,
  benchmark: ({ benchmark }) => benchmark,
  split: ({ split }) => split,
  seed: ({ seed }) => (seed === null ? null : `seed ${seed}`),
} as const satisfies Readonly<Record<string, (run: ComparedRun) => string | null>>;

/** A letter for each run: A, B, … */
export function letterOf(index: number): string {
  return String.fromCharCode(65 + index);
}

/** A short name for each run: by what differs between them, else by the end of its id. */
export function labelsOf(runs: readonly ComparedRun[]): string[] {
  const differing = Object.values(PARTS).filter((part) => new Set(runs.map(part)).size > 1);
  const labels = runs.map((run) => differing.flatMap((part) => part(run) ?? []).join(', '));
  const clear = new Set(labels).size === labels.length && labels.every((label) => label !== '');
  return clear ? labels : runs.map(({ id }) => id.split('/').slice(-2).join('/'));
}
