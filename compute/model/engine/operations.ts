import { generateOperation } from '../generation/generator.ts';
import type { Batch, BatchResult } from './batch.ts';
import { checkModel, type ModelVerdict } from './checks.ts';
import type { Prefix } from './key-values.ts';
import type { Model, ModelIdentity } from './model.ts';
import { readTargetsOperation } from './read-targets.ts';

/** What an operation has at hand in the model's process. */
export interface OperationContext<Event> {
  readonly model: Model;
  /** Keys and values of tokens that many batches share; computed once and kept for the next operations. */
  prefix(tokens: readonly number[]): Promise<Prefix>;
  /** Aborted when the caller has lost interest. To be looked at between batches: nothing stops a batch that runs. */
  readonly signal: AbortSignal;
  /**
   * Sends something to the caller before the result. Resolves when the caller has taken the one before, so at most
   * one lies in memory unseen while the next is computed.
   */
  emit(event: Event): Promise<void>;
}

/** Something the model's process does on request. Requests, events and results are structured clones. */
export interface Operation<Request, Event, Result> {
  run(request: Request, context: OperationContext<Event>): Promise<Result>;
}

export interface ForwardRequest {
  /** Tokens before all rows of all batches. */
  readonly prefix?: readonly number[];
  readonly batches: readonly Batch[];
}

/** Runs batches one after the other; an event a batch, in order. */
const forward: Operation<ForwardRequest, BatchResult, void> = {
  async run({ prefix, batches }, context) {
    const before = prefix === undefined ? {} : { prefix: await context.prefix(prefix) };
    for (const batch of batches) {
      context.signal.throwIfAborted();
      await context.emit(await context.model.forward(batch, before));
    }
  },
};

/** What the model's numbers depend on. */
const identity: Operation<void, never, ModelIdentity> = {
  run: (_, { model, signal }) => model.identity(signal),
};

/** The self-checks, with the model's identity. */
const check: Operation<void, never, ModelVerdict> = {
  run: (_, { model, signal }) => checkModel(model, signal),
};

/** Every operation of the model's process. A new one is a file of its own and an entry here. */
export const operations = {
  forward,
  readTargets: readTargetsOperation,
  identity,
  check,
  generate: generateOperation,
};

export type OperationName = keyof typeof operations;
type Parts<N extends OperationName> =
  (typeof operations)[N] extends Operation<infer Request, infer Event, infer Result>
    ? { request: Request; event: Event; result: Result }
    : never;
export type RequestOf<N extends OperationName> = Parts<N>['request'];
export type EventOf<N extends OperationName> = Parts<N>['event'];
export type ResultOf<N extends OperationName> = Parts<N>['result'];
