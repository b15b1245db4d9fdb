import type { ReadTargetsRequest, TargetReadings } from '../../../model/engine/read-targets.ts';
import {
  type Batch,
  type BatchResult,
  type ForwardRequest,
  type ModelInfo,
  type ModelProcess,
  type PlanLimits,
  type Row,
} from '../../../model/index.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { planReadings } from './plan.ts';

/** What the experiments ask of a model: `ModelProcess`, or a model in this thread. */
export interface FvModel {
  readonly info: ModelInfo;
  forward(
    request: ForwardRequest,
    onResult: (result: BatchResult) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
  readTargets(
    request: ReadTargetsRequest,
    onReadings: (readings: TargetReadings) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** The experiments' model in a process of its own. */
export async function fvModel(model: ModelProcess, signal?: AbortSignal): Promise<FvModel> {
  return {
    info: await model.info(signal),
    forward: (request, onResult, abort) => model.forward(request, (result) => onResult(result), abort),
    readTargets: (request, onEvent, abort) =>
      model.call('readTargets', request, { onEvent, ...(abort === undefined ? {} : { signal: abort }) }),
  };
}

/** What the model says of the answer's first token. All are float32. */
export interface Reading {
  readonly p: number;
  readonly logit: number;
  readonly logprob: number;
  /** The token it would give instead, or the same. */
  readonly best: number;
}

export interface RunOptions {
  readonly limits: PlanLimits;
  /**
   * One full pass over the prompt for every reading, as the reference implementation does. Without it the tokens before the
   * last one are computed once, and the readings are one-token rows behind them, each computed from where it differs.
   */
  readonly reference?: boolean;
  readonly signal?: AbortSignal;
}

/** A change to the model at the last token of a prompt. */
export type Intervention = Pick<Row, 'replace' | 'add'>;

/** What a prompt gives as it is, and under each intervention, in their order; shorter while they are being read. */
export interface TrialSweep {
  readonly base: Reading;
  readonly patched: readonly Reading[];
}

export interface ReadingTask {
  readonly prompts: readonly PromptTokens[];
  /** Each alone, on every prompt. */
  readonly interventions: readonly Intervention[];
  readonly tables: Pick<Batch, 'headTables' | 'residualTables'>;
}

/** What an earlier attempt has left, and who is told of what this one does. */
export interface Attempt {
  /** By prompt. */
  readonly known?: readonly (TrialSweep | undefined)[];
  /** Told after each batch what is known of its prompts, by their places. */
  readonly onBatch?: (sweeps: ReadonlyMap<number, TrialSweep>) => void | Promise<void>;
}

/**
 * Reads the answers' tokens of prompts as they are and under each intervention. Batches are those of an undisturbed attempt, so
 * that what is taken up again between two of them gives the same bits.
 * @returns in the order of the prompts
 */
export async function readUnder(
  model: FvModel,
  { prompts, interventions, tables }: ReadingTask,
  { limits, reference = false, signal }: RunOptions,
  { known = [], onBatch }: Attempt = {},
): Promise<TrialSweep[]> {
  const changes: readonly Intervention[] = [{}, ...interventions];
  const found = prompts.map((_, prompt) => listOf(known[prompt]));
  const lengths = prompts.map(({ tokens }) => tokens.length);
  const plan = planReadings(model.info, { lengths, readings: changes.length, reference }, limits);
  for (const { prompts: together, batches } of plan) {
    const pending = batches.filter(({ to }) => together.some((prompt) => found[prompt]!.length < to));
    if (pending.length === 0) continue;
    for (const prompt of together) found[prompt]!.length = Math.min(found[prompt]!.length, pending[0]!.from);
    const rowsOf = reference ? wholeRow : lateRows;
    let next = 0;
    await model.readTargets(
      {
        prefixes: together.map((prompt) => (reference ? [] : prompts[prompt]!.tokens.slice(0, -1))),
        batches: pending.map(({ from, to }) => ({
          ...tables,
          rows: together.flatMap((prompt, i) =>
            rowsOf(prompts[prompt]!, changes, { from, to }, i, model.info.layers),
          ),
          capture: {},
        })),
      },
      async (readings) => {
        const { from, to } = pending[next++]!;
        const all = readingsOf(readings);
        const share = all.length / together.length;
        for (const [i, prompt] of together.entries()) {
          // What the others of a batch begin from stands before them, asked for or not.
          found[prompt]!.push(...all.slice((i + 1) * share - (to - from), (i + 1) * share));
        }
        await onBatch?.(new Map(together.map((prompt) => [prompt, sweepOf(found[prompt]!)])));
      },
      signal,
    );
  }
  return found.map(sweepOf);
}

interface Part {
  readonly from: number;
  readonly to: number;
}

/** The whole prompt, for one reading. */
function wholeRow({ tokens, target }: PromptTokens, changes: readonly Intervention[], { from }: Part): Row[] {
  return [{ ...changes[from]!, tokens, targets: [target] }];
}

/**
 * The last token of a prompt as it is, then under the changes of a part, each beginning where it changes something.
 * @param group place of the prompt in the batch
 * @param layers of the model
 */
function lateRows(
  { tokens, target }: PromptTokens,
  changes: readonly Intervention[],
  { from, to }: Part,
  group: number,
  layers: number,
): Row[] {
  const row = { tokens: tokens.slice(-1), targets: [target] };
  const changed = changes.slice(Math.max(from, 1), to);
  const first = group * (changed.length + 1);
  return [
    row,
    ...changed.map((change) => {
      const point = firstPoint(change, layers);
      return { ...row, ...change, ...(point > 0 ? { from: { row: first, point } } : {}) };
    }),
  ];
}

/** Where an intervention changes the residual stream or the block behind it first; the end when it changes nothing. */
function firstPoint({ replace, add }: Intervention, layers: number): number {
  const points = [
    ...(replace?.heads.map(({ layer }) => layer) ?? []),
    ...(add?.points.map((one) => one.point) ?? []),
  ];
  return Math.min(layers, ...points);
}

function listOf(sweep: TrialSweep | undefined): Reading[] {
  return sweep === undefined ? [] : [sweep.base, ...sweep.patched];
}

function sweepOf([base, ...patched]: readonly Reading[]): TrialSweep {
  return { base: base!, patched };
}

function readingsOf({ probability, logit, logProbability, best }: TargetReadings): Reading[] {
  return Array.from(probability, (p, row) => ({
    p,
    logit: logit[row]!,
    logprob: logProbability[row]!,
    best: best[row]!,
  }));
}
