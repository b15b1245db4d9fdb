import { type ModelInfo, ModelMemoryError, type PlanLimits, runBytes } from '../../../model/index.ts';

/** Prompts that are read together. */
export interface ReadingRun {
  readonly prompts: readonly number[];
  /** Readings `from` to `to` of each of them, in a batch of their own. */
  readonly batches: readonly { readonly from: number; readonly to: number }[];
}

export interface ReadingWork {
  /** Tokens of each prompt. */
  readonly lengths: readonly number[];
  /** Readings of each prompt; the first is of the prompt as it is. */
  readonly readings: number;
  /** One full pass over a prompt for every reading. */
  readonly reference: boolean;
}

/**
 * Rows of a batch at most: all heads of a model of 32 x 32. More are no faster, and an attempt that is stopped loses the
 * batch (decisions/186).
 */
const MAX_ROWS = 1536;

/**
 * Divides the readings of prompts into batches: all readings of as many prompts as memory allows in one, or one prompt's
 * in several. Depends on nothing else, so that an attempt that takes up another's work has the same batches.
 * @throws ModelMemoryError
 */
export function planReadings(model: ModelInfo, work: ReadingWork, limits: PlanLimits): ReadingRun[] {
  const { lengths, readings, reference } = work;
  if (lengths.length === 0) return [];
  const longest = Math.max(...lengths);
  const most = Math.min(limits.maxRows ?? MAX_ROWS, MAX_ROWS);
  const everyone = lengths.map((_, prompt) => prompt);
  const fits = (prompts: number, rows: number) =>
    prompts * rows <= most && bytesOf(model, prompts, rows, longest) <= limits.memoryBytes;
  if (reference) {
    checkMemory(runBytes(model, { rows: 1, tokens: longest, before: 0, read: 1 }), longest, limits);
    const alone = evenly(readings, 1);
    return everyone.map((prompt) => ({ prompts: [prompt], batches: alone }));
  }
  if (fits(1, readings)) {
    const together = largest(lengths.length, (prompts) => fits(prompts, readings));
    return evenly(lengths.length, together).map(({ from, to }) => ({
      prompts: everyone.slice(from, to),
      batches: [{ from: 0, to: readings }],
    }));
  }
  checkMemory(bytesOf(model, 1, 2, longest), longest, limits);
  // A batch that does not begin with the prompt as it is has it all the same: the others begin as copies of it.
  const batches = evenly(
    readings,
    largest(readings, (rows) => fits(1, rows + 1)),
  );
  return everyone.map((prompt) => ({ prompts: [prompt], batches }));
}

/** Of the passes over the prompts' beginnings and over the rows behind them, with the keys and values that they share. */
function bytesOf(model: ModelInfo, prompts: number, rows: number, longest: number): number {
  const before = Math.max(longest - 1, 1);
  const shared = 4 * 2 * model.layers * model.keyValueHeads * model.headDim * prompts * before;
  const beginnings = runBytes(model, { rows: prompts, tokens: before, before: 0, read: 0 });
  const behind = runBytes(model, { rows: prompts * rows, tokens: 1, before, read: 1 });
  return shared + Math.max(beginnings, behind);
}

function checkMemory(bytes: number, tokens: number, { memoryBytes }: PlanLimits): void {
  if (bytes <= memoryBytes) return;
  throw new ModelMemoryError(`a prompt of ${tokens} tokens needs about ${bytes} bytes`, {
    expected: `at most ${memoryBytes}`,
    remedy: 'allow more memory or shorten the prompt',
  });
}

/** The largest number from 1 to `most` that `fits`, which holds for all below one that it holds for; 1 when none does. */
function largest(most: number, fits: (count: number) => boolean): number {
  let low = 1;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** `0 … count` in as few parts of like size as there can be when none is larger than `most`. */
function evenly(count: number, most: number): { readonly from: number; readonly to: number }[] {
  const parts = Math.ceil(count / most);
  const cut = (part: number) => Math.round((part * count) / parts);
  return Array.from({ length: parts }, (_, part) => ({ from: cut(part), to: cut(part + 1) }));
}
