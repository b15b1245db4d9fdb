import { LimitExceededError } from '../errors.ts';

/** Counts the running requests of each client. */
export class ConcurrencyGate {
  readonly #running = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Lets a request of a client in; call the result once when it has ended. @throws LimitExceededError */
  enter(client: string): () => void {
    const running = (this.#running.get(client) ?? 0) + 1;
    if (running > this.#max) {
      throw new LimitExceededError(
        'concurrentQueries',
        this.#max,
        running,
        'wait for an answer before the next query',
      );
    }
    this.#running.set(client, running);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const rest = (this.#running.get(client) ?? 1) - 1;
      if (rest === 0) this.#running.delete(client);
      else this.#running.set(client, rest);
    };
  }
}
