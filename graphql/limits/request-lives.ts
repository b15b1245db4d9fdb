import { setMaxListeners } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { credentialsOf, identify } from '../access/guard.ts';
import type { LongLived } from '../access/long-lived.ts';
import type { Authenticator } from '../access/principal.ts';
import type { RequestContext } from '../context.ts';
import { timeIsUp } from '../errors.ts';

/** How long a request may go on. */
export type RequestLife = Pick<RequestContext, 'signal' | 'unlimitTime'>;

export interface RequestLivesOptions {
  readonly authenticator: Authenticator;
  readonly longLived: LongLived;
  /** Milliseconds for a request that does not lift the limit. */
  readonly timeMs: number;
}

/** The requests that run: each ends with its client, its time, its token and the server. */
export class RequestLives {
  readonly #options: RequestLivesOptions;
  readonly #controllers = new Set<AbortController>();
  readonly #waiting: (() => void)[] = [];

  constructor(options: RequestLivesOptions) {
    this.#options = options;
  }

  start(request: FastifyRequest, reply: FastifyReply): RequestLife {
    const { authenticator, longLived, timeMs } = this.#options;
    const controller = new AbortController();
    // Every file that is fetched for a request listens to it for a while, many at a time.
    setMaxListeners(0, controller.signal);
    this.#controllers.add(controller);
    const timer = setTimeout(() => controller.abort(timeIsUp(timeMs)), timeMs);
    const forget = longLived.watch(
      () => identify(authenticator, credentialsOf(request)),
      (reason) => controller.abort(reason),
    );
    reply.raw.once('close', () => {
      clearTimeout(timer);
      forget();
      this.#controllers.delete(controller);
      if (this.#controllers.size === 0) for (const notify of this.#waiting.splice(0)) notify();
      if (!reply.raw.writableFinished) controller.abort(new Error('the client went away'));
    });
    return { signal: controller.signal, unlimitTime: () => clearTimeout(timer) };
  }

  /** Resolves when none runs. */
  async ended(): Promise<void> {
    if (this.#controllers.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  abort(): void {
    for (const controller of this.#controllers) controller.abort(new Error('the server is closing'));
  }
}
