import type { AsOf, LakeReader, LakeSnapshot } from '../lake/engine/types.ts';

/**
 * The states of the lake that one request reads. The newest one is resolved once, so that all root fields
 * agree; others are read only where the query asks (`asOf`, or a cursor).
 */
export class SnapshotScope {
  readonly #reader: LakeReader;
  readonly #signal: AbortSignal;
  readonly #resolved = new Map<string, Promise<LakeSnapshot>>();
  readonly #used = new Map<string, LakeSnapshot>();

  constructor(reader: LakeReader, signal: AbortSignal) {
    this.#reader = reader;
    this.#signal = signal;
  }

  async at(asOf?: AsOf): Promise<LakeSnapshot> {
    const key = JSON.stringify(asOf ?? {});
    let pending = this.#resolved.get(key);
    if (pending === undefined) {
      pending = this.#reader.snapshot(asOf, { signal: this.#signal });
      this.#resolved.set(key, pending);
    }
    const snapshot = await pending;
    this.#used.set(snapshot.token, snapshot);
    return snapshot;
  }

  /** The tokens of every state that was read, in the order of first use. */
  get tokens(): string[] {
    return [...this.#used.keys()];
  }

  /** After a change: the newest state is resolved anew. */
  forget(): void {
    this.#resolved.clear();
    this.#used.clear();
  }
}
