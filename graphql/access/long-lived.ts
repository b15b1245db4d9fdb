/** How often it is looked whether somebody is still let in. */
const CHECK_MS = 2_000;

/** Ends what goes on for long once whoever began it would not be let in any more. */
export class LongLived {
  readonly #watched = new Map<() => void, () => Promise<unknown>>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number = CHECK_MS) {
    this.#timer = setInterval(() => void this.#check(), everyMs).unref();
  }

  /**
   * @param admitted rejects when it is no longer
   * @param end what to do then, once
   * @returns stops watching
   */
  watch(admitted: () => Promise<unknown>, end: () => void): () => void {
    const once = (): void => {
      if (this.#watched.delete(once)) end();
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
