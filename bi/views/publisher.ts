import type { Lake } from '../../lake/lake.ts';
import type { CommitListener } from '../../lake/writer.ts';
import { publishNewestViews } from './publish.ts';

/** Publishing takes about half a second of a core: a long ingest pays that so often and no more. */
const PAUSE_MS = 10_000;

/**
 * Publishes the views after commits: many commits make one publication, one runs at a time, and the last commit is always
 * followed by one. A failure is a warning, never that of an ingest.
 */
export class ViewPublisher implements CommitListener {
  readonly #lake: Lake;
  readonly #warn: (error: unknown) => void;
  readonly #pauseMs: number;
  #wanted = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(lake: Lake, warn: (error: unknown) => void, pauseMs = PAUSE_MS) {
    this.#lake = lake;
    this.#warn = warn;
    this.#pauseMs = pauseMs;
  }

  committed(): void {
    this.#wanted = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#next();
    }, this.#pauseMs).unref();
  }

  async finish(): Promise<void> {
    while (this.#wanted) await this.#next();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  #next(): Promise<void> {
    this.#running = this.#running.then(async () => {
      if (this.#wanted) await this.#publish();
    });
    return this.#running;
  }

  async #publish(): Promise<void> {
    this.#wanted = false;
    try {
      await publishNewestViews(this.#lake);
    } catch (error) {
      this.#warn(error);
    }
  }
}
