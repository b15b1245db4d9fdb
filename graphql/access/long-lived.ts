/** How often it is looked whether somebody is still let in. */
const CHECK_MS = 2_000;

/** Ends what goes on for long once whoever began it would not be let in any more. */
export class LongLived {
  readonly #watched = new Map<(reason: unknown) => void, () => Promise<unknown>>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number = CHECK_MS) {
    this.#timer = setInterval(() => void this.#check(), everyMs).unref();
  }

  /**
   * @param admitted rejects when it is no longer
   * @param end what to do then, once, with the reason
   * @returns stops watching
   */
  watch(admitted: () => Promise<unknown>, end: (reason: unknown) => void): () => void {
    const once = (reason: unknown): void => {
      if (this.#watched.delete(once)) end(reason);
    };
    this.#watched.set(once, admitted);
    return () => void this.#watched.delete(once);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  async #check(): Promise<void> {
    await Promise.all([...this.#watched].map(([end, admitted]) => admitted().catch(end)));
  }
}
