import { type Id, IdMap } from '../../../id-map.ts';

const FLAG_BITS = 4;
const SPLIT_BITS = 12;
const LABEL = 1;
const PREDICTED = 2;
const DROPPED = 4;
const UNLINKED = 8;
const FLAGS = 1 << FLAG_BITS;
const SPLITS = 1 << SPLIT_BITS;

/** What is remembered of a generation until the predictions have been checked against it. */
export interface Example {
  readonly line: number;
  readonly halu: boolean;
  readonly split: string;
  /** A prediction for it was seen. */
  readonly predicted: boolean;
  /** The record was not kept. */
  readonly dropped: boolean;
  /** The store has no entry for it. */
  readonly unlinked: boolean;
}

/** The examples of a run by id: line, label, split and flags packed into one number each. */
export class Examples {
  readonly #map = new IdMap();
  readonly #splits: string[] = [];
  readonly #splitIndex = new Map<string, number>();

  get size(): number {
    return this.#map.size;
  }

  has(id: Id): boolean {
    return this.#map.has(id);
  }

  get(id: Id): Example | undefined {
    const packed = this.#map.get(id);
    return packed === undefined ? undefined : this.#unpack(packed);
  }

  /** Where an example is kept, for `at` and `predict` until another is added; -1 when there is none. */
  slot(id: Id): number {
    return this.#map.slot(id);
  }

  at(slot: number): Example {
    return this.#unpack(this.#map.at(slot));
  }

  /** Remembers that a prediction for the example was seen. */
  predict(slot: number): void {
    const packed = this.#map.at(slot);
    if (Math.floor(packed / PREDICTED) % 2 === 0) this.#map.put(slot, packed + PREDICTED);
  }

  #unpack(packed: number): Example {
    const flags = packed % FLAGS;
    const split = Math.floor(packed / FLAGS) % SPLITS;
    return {
      line: Math.floor(packed / (FLAGS * SPLITS)),
      halu: (flags & LABEL) !== 0,
      split: this.#splits[split] ?? '',
      predicted: (flags & PREDICTED) !== 0,
      dropped: (flags & DROPPED) !== 0,
      unlinked: (flags & UNLINKED) !== 0,
    };
  }

  /** Adds an example whose id is new; whether it is. */
  add(id: Id, example: Example): boolean {
    const flags =
      (example.halu ? LABEL : 0) |
      (example.predicted ? PREDICTED : 0) |
      (example.dropped ? DROPPED : 0) |
      (example.unlinked ? UNLINKED : 0);
    return this.#map.add(id, (example.line * SPLITS + this.#indexOf(example.split)) * FLAGS + flags);
  }

  #indexOf(split: string): number {
    const known = this.#splitIndex.get(split);
    if (known !== undefined) return known;
    // A run with thousands of splits is nonsense; they share the last index, which is the first one's name.
    const index = Math.min(this.#splits.length, SPLITS - 1);
    this.#splits[index] ??= split;
    this.#splitIndex.set(split, index);
    return index;
  }
}
