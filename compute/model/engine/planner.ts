import { ModelMemoryError } from '../errors.ts';
import type { ModelInfo } from './model.ts';

/** The sizes by which a run's memory is estimated. */
export interface RunShape {
  readonly rows: number;
  /** Tokens of the longest row. */
  readonly tokens: number;
  /** Tokens before a row's own: prefix and earlier tokens. */
  readonly before: number;
  /** Positions read a row. */
  readonly read: number;
}

/** One sequence to be planned. */
export interface PlannedRow {
  readonly tokens: number;
}

export interface PlanLimits {
  /** Bytes that one run may need beyond the model itself. */
  readonly memoryBytes: number;
  /** Rows of one run at most; default no limit. */
  readonly maxRows?: number;
  /** Padding allowed, as a part of the real tokens of a run; default 0.25. */
  readonly maxPadding?: number;
}

export interface PlanWork {
  readonly rows: readonly PlannedRow[];
  /** Tokens before every row: the shared prefix, and earlier tokens of its own. */
  readonly before?: number;
  readonly read?: 'last' | 'all';
}

/** The arena of ONNX Runtime rounds what it takes from the system up. */
const ARENA = 1.25;

/**
 * Bytes a run needs, from above: all taps of the graph (ONNX Runtime keeps every output until the end, asked for or not),
 * the scores of one block in three versions, its inner activations, and the logits in three. Measured on 134 M parameters
 * and on the demo model, seven shapes: the process grew by 0.53 to 0.83 of this.
 */
export function runBytes(model: ModelInfo, shape: RunShape): number {
  const { layers, heads, keyValueHeads, headDim, hidden, mlpWidth, vocabulary, taps } = model;
  const keys = shape.before + shape.tokens;
  const outputs =
    (taps.residual.length + 1) * hidden + (taps.heads.length * heads + 2 * layers * keyValueHeads) * headDim;
  const inner = 4 * hidden + 4 * heads * headDim + 3 * mlpWidth;
  const scores = 3 * heads * keys;
  // The mask is a row's, not a head's.
  const mask = 2 * keys;
  const values =
    shape.rows * (shape.tokens * (outputs + inner + scores + mask) + 3 * shape.read * vocabulary);
  return Math.ceil(ARENA * 4 * values);
}

/**
 * Divides rows into runs: every row in exactly one, rows of like length together, every run within the limits. The
 * longest rows come first, so that a job that cannot run at all fails at once.
 * @returns for each run the indices of its rows
 * @throws ModelMemoryError one row alone is over the limit
 */
export function planRuns(model: ModelInfo, work: PlanWork, limits: PlanLimits): number[][] {
  const { maxRows = Number.POSITIVE_INFINITY, maxPadding = 0.25 } = limits;
  const lengths = work.rows.map((row) => row.tokens);
  const byLength = lengths.map((_, row) => row).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const bytes = (rows: number, tokens: number) =>
    runBytes(model, { rows, tokens, before: work.before ?? 0, read: work.read === 'all' ? tokens : 1 });

  const runs: number[][] = [];
  let run: number[] = [];
  let real = 0;
  for (const row of byLength) {
    const length = lengths[row]!;
    const longest = run.length === 0 ? length : lengths[run[0]!]!;
    const count = run.length + 1;
    const padding = count * longest - (real + length);
    const fits =
      count <= maxRows &&
      bytes(count, longest) <= limits.memoryBytes &&
      padding <= maxPadding * (real + length);
    if (run.length > 0 && !fits) {
      runs.push(run);
      run = [];
      real = 0;
    }
    if (run.length === 0 && bytes(1, length) > limits.memoryBytes) {
      throw new ModelMemoryError(`a row of ${length} tokens needs about ${bytes(1, length)} bytes`, {
        expected: `at most ${limits.memoryBytes}`,
        remedy: 'allow more memory or shorten the prompt',
      });
    }
    run.push(row);
    real += length;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}
