import type { ReadTargetsRequest, TargetReadings } from '../../../model/engine/read-targets.ts';
import {
  type Batch,
  type BatchResult,
  type ForwardRequest,
  type ModelInfo,
  type ModelProcess,
  type PlanLimits,
  planRuns,
  type Row,
} from '../../../model/index.ts';
import type { PromptTokens } from '../trials/targets.ts';

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
   * last one are computed once, and the readings are one-token rows behind them.
   */
  readonly reference?: boolean;
  readonly signal?: AbortSignal;
}

/** A change to the model at the last token of a prompt; `{}` is none. */
export type Intervention = Pick<Row, 'replace' | 'add'>;

/**
 * Reads the answer's token under each intervention.
 * @param onReadings told batch by batch, in order
 * @param done interventions at the beginning whose readings are known. Batches are those of an undisturbed run, so that what
 * is taken up again between two of them gives the same bits.
 */
export async function readUnder(
  model: FvModel,
  { tokens, target }: PromptTokens,
  interventions: readonly Intervention[],
  tables: Pick<Batch, 'headTables' | 'residualTables'>,
  { limits, reference = false, signal }: RunOptions,
  onReadings: (readings: Reading[]) => void | Promise<void>,
  done = 0,
): Promise<void> {
  if (interventions.length <= done) return;
  const own = reference ? tokens : tokens.slice(-1);
  const prefix = reference ? [] : tokens.slice(0, -1);
  const rows = interventions.map((one): Row => ({ ...one, tokens: own, targets: [target] }));
  const plan = planRuns(
    model.info,
    { rows: rows.map(() => ({ tokens: own.length })), before: prefix.length },
    reference ? { ...limits, maxRows: 1 } : limits,
  );
  const rest = plan.map((indices) => indices.filter((i) => i >= done)).filter(({ length }) => length > 0);
  const batches = rest.map((indices) => ({ ...tables, rows: indices.map((i) => rows[i]!), capture: {} }));
  await model.readTargets(
    { prefixes: [prefix], batches },
    (readings) => onReadings(readingsOf(readings)),
    signal,
  );
}

function readingsOf({ probability, logit, logProbability, best }: TargetReadings): Reading[] {
  return Array.from(probability, (p, row) => ({
    p,
    logit: logit[row]!,
    logprob: logProbability[row]!,
    best: best[row]!,
  }));
}
