import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CancelledError, messageOf } from '../../../lake/errors.ts';
import { ModelProcessError } from '../errors.ts';
import type { Batch, BatchResult } from './batch.ts';
import type { ModelVerdict } from './checks.ts';
import type { ModelIdentity, ModelInfo, ModelOptions } from './model.ts';
import type { EventOf, OperationName, RequestOf, ResultOf } from './operations.ts';
import { type FromModel, type ToModel, unpackError } from './protocol.ts';
import { candidates } from './providers.ts';

export interface ModelProcessOptions extends ModelOptions {
  /** Resident memory above which the process is replaced after the call; default: 4 GiB more than after loading. */
  readonly maxResidentBytes?: number;
  /** How long a cancelled call may go on (a batch cannot be stopped) before the process is killed; default 1 s. */
  readonly cancelGraceMs?: number;
  /** The compiled host.ts; default: the one beside this module. */
  readonly script?: string;
}

export interface CallOptions<Event> {
  readonly signal?: AbortSignal;
  /** Takes what the operation sends before its result. Until it resolves, at most one more event is computed. */
  readonly onEvent?: (event: Event) => void | Promise<void>;
}

const GROWTH_BYTES = 4 * 2 ** 30;
const CANCEL_GRACE_MS = 1_000;
const OUTPUT_CHARACTERS = 4_000;

/** A call under way, without the types of its operation. */
interface Pending {
  readonly done: (message: Extract<FromModel, { kind: 'loaded' | 'result' | 'error' }>) => void;
  readonly ended: (error: ModelProcessError) => void;
  readonly event: (event: unknown) => void;
}

/**
 * A model in a process of its own, because ONNX Runtime blocks the thread while it computes and aborts the process when
 * its thread is terminated. The process starts with the first call and again after it has ended; calls run one
 * after another.
 *
 * - A call is cancelled between batches; one that does not stop in time is killed with the process.
 * - When the process crashes, the call rejects with `ModelProcessError`; the next call gets a new process.
 * - When it has grown beyond its limit, it is replaced between two calls: ONNX Runtime gives little memory back.
 */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  #child: ChildProcess | undefined;
  #info: ModelInfo | undefined;
  #residentLimit = Number.POSITIVE_INFINITY;
  #pending: Pending | undefined;
  #output = '';
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ModelProcessOptions) {
    this.#options = options;
  }

  /** The process's id while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What the model is; loads it if need be. @throws as `Model.load`, ModelProcessError */
  async info(signal?: AbortSignal): Promise<ModelInfo> {
    return this.#inTurn(signal, () => this.#loaded(signal));
  }

  /** Runs batches behind a prefix they share; `onResult` gets one result after the other, in order. */
  async forward(
    request: { readonly prefix?: readonly number[]; readonly batches: readonly Batch[] },
    onResult: (result: BatchResult, batch: number) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    let next = 0;
    await this.call('forward', request, {
      onEvent: (result) => onResult(result, next++),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** What the model's numbers depend on. The first call reads all weights. @throws CheckpointError */
  async identity(signal?: AbortSignal): Promise<ModelIdentity> {
    return this.call('identity', undefined, signal === undefined ? {} : { signal });
  }

  /** Runs the self-checks. The verdict also says when they fail; only a broken process throws. */
  async check(signal?: AbortSignal): Promise<ModelVerdict> {
    return this.call('check', undefined, signal === undefined ? {} : { signal });
  }

  /**
   * Runs an operation of operations.ts.
   * @throws what the operation throws; CancelledError; ModelProcessError
   */
  async call<N extends OperationName>(
    operation: N,
    request: RequestOf<N>,
    options: CallOptions<EventOf<N>> = {},
  ): Promise<ResultOf<N>> {
    return this.#inTurn(options.signal, async () => {
      await this.#loaded(options.signal);
      // The other end is the same build: results and events are those of the operation that was named.
      const onEvent = options.onEvent as ((event: unknown) => void | Promise<void>) | undefined;
      const answer = await this.#exchange({ kind: 'call', operation, request }, options.signal, onEvent);
      if (answer.residentBytes > this.#residentLimit) await this.#stop();
      if (answer.kind === 'error') throw unpackError(answer.error);
      return (answer.kind === 'result' ? answer.result : undefined) as ResultOf<N>;
    });
  }

  /** Ends the process after the calls that are under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
    await this.#stop();
  }

  /** One call at a time, in order. */
  #inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new ModelProcessError('the model is closed', ''));
    const turn = this.#queue.then(() => {
      if (signal?.aborted) throw new CancelledError('the work of the model', signal.reason);
      return work();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #loaded(signal: AbortSignal | undefined): Promise<ModelInfo> {
    if (this.#child !== undefined && this.#info !== undefined) return this.#info;
    this.#start();
    const { maxResidentBytes, cancelGraceMs, script, ...options } = this.#options;
    const answer = await this.#exchange({ kind: 'load', options }, signal, undefined);
    if (answer.kind === 'loaded') {
      this.#residentLimit = this.#options.maxResidentBytes ?? answer.residentBytes + GROWTH_BYTES;
      this.#info = answer.info;
      // What providers that do not load had to say would only mislead whoever reads of a crash later.
      this.#output = '';
      return answer.info;
    }
    await this.#stop();
    throw answer.kind === 'error'
      ? unpackError(answer.error)
      : new ModelProcessError("the model's process answered something else", this.#output);
  }

  #start(): void {
    const script = this.#options.script ?? fileURLToPath(new URL('./host.js', import.meta.url));
    const environment = candidates(this.#options.provider ?? 'auto').map((one) => one.environment);
    const child = fork(script, [], {
      // Structured clones: typed arrays go as bytes, not as JSON.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: Object.assign({ ...process.env }, ...environment),
      // A debugger's port or a test runner's loader of this process is not the child's.
      execArgv: [],
    });
    this.#child = child;
    this.#output = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS);
    });
    child.on('message', (message: FromModel) => this.#receive(message));
    child.on('error', (error) => this.#ended(child, messageOf(error)));
    // Not 'exit': what it wrote last is to be read first.
    child.on('close', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
  }

  #receive(message: FromModel): void {
    if (message.kind === 'event') this.#pending?.event(message.event);
    else this.#pending?.done(message);
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#info = undefined;
    const error = new ModelProcessError(`the model's process ended (${how})`, this.#output.trim(), {
      remedy: 'the next call starts a new one; if it ends again, give it more memory or smaller batches',
    });
    this.#pending?.ended(error);
  }

  /** Sends one message and waits for its answer, through events, cancellation and the end of the process. */
  async #exchange(
    message: ToModel,
    signal: AbortSignal | undefined,
    onEvent: ((event: unknown) => void | Promise<void>) | undefined,
  ): Promise<Extract<FromModel, { kind: 'loaded' | 'result' | 'error' }>> {
    const child = this.#child;
    if (child === undefined) throw new ModelProcessError("the model's process ended", this.#output.trim());
    const cancelled = () => new CancelledError('the work of the model', signal?.reason);
    let failure: unknown;
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      post(child, { kind: 'cancel' });
      grace ??= setTimeout(() => child.kill('SIGKILL'), this.#options.cancelGraceMs ?? CANCEL_GRACE_MS);
    };
    let events: Promise<void> = Promise.resolve();
    try {
      const answer = await new Promise<Extract<FromModel, { kind: 'loaded' | 'result' | 'error' }>>(
        (resolve, reject) => {
          this.#pending = {
            done: resolve,
            ended: reject,
            event: (event) => {
              events = events
                .then(() => (failure === undefined && !signal?.aborted ? onEvent?.(event) : undefined))
                .then(() => post(child, { kind: 'taken' }))
                .catch((error: unknown) => {
                  failure ??= error;
                  cancel();
                });
            },
          };
          signal?.addEventListener('abort', cancel, { once: true });
          if (signal?.aborted) cancel();
          post(child, message);
        },
      );
      await events;
      if (failure !== undefined) throw failure;
      if (signal?.aborted) throw cancelled();
      return answer;
    } catch (error) {
      if (failure !== undefined) throw failure;
      throw signal?.aborted ? cancelled() : error;
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener('abort', cancel);
      this.#pending = undefined;
    }
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#info = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    // There is nothing to save, and ONNX Runtime takes its time to take a session apart.
    child.kill('SIGKILL');
    await closed;
  }
}

/** A child that has just ended cannot be written to; its end is reported by its own event. */
function post(child: ChildProcess, message: ToModel): void {
  if (child.connected) child.send(message, () => undefined);
}
