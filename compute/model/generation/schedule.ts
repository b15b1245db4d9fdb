import { roomFor } from '../engine/key-values.ts';
import type { ModelInfo } from '../engine/model.ts';
import { runBytes } from '../engine/planner.ts';

/** What one sequence may come to need. */
export interface Demand {
  /** Tokens it can have at most, prompt included. */
  readonly tokens: number;
  /** Bytes of captured vectors it can hold at most. */
  readonly captured: number;
}

export interface ScheduleLimits {
  readonly maxRows: number;
  /** Bytes for everything that grows with what is generated at once. */
  readonly memoryBytes: number;
}

/**
 * Bytes that generating these sequences side by side can come to, from above: keys and values twice (they are copied when
 * rows come, go or grow), padded to the longest; one step; captured vectors.
 */
export function batchBytes(model: ModelInfo, demands: readonly Demand[]): number {
  if (demands.length === 0) return 0;
  const room = roomFor(Math.max(...demands.map(({ tokens }) => tokens)) + 1);
  const perToken = 4 * 2 * model.layers * model.keyValueHeads * model.headDim;
  const step = runBytes(model, { rows: demands.length, tokens: 1, before: room, read: 1 });
  const captured = demands.reduce((sum, one) => sum + one.captured, 0);
  return 2 * demands.length * room * perToken + step + captured;
}

/**
 * How many of the sequences that wait, taken in order, can begin beside those that run. Room is reserved for the longest
 * that each may become, so nothing that has begun is ever put off.
 */
export function admissible(
  model: ModelInfo,
  running: readonly Demand[],
  waiting: readonly Demand[],
  { maxRows, memoryBytes }: ScheduleLimits,
): number {
  let count = 0;
  const together = [...running];
  for (const one of waiting) {
    together.push(one);
    if (together.length > maxRows || batchBytes(model, together) > memoryBytes) break;
    count++;
  }
  return count;
}
