import crypto, { createHash } from 'node:crypto';

/** Hashing in one call is twice as fast where Node has it (from 20.12). */
const sha256: (text: string) => Buffer =
  'hash' in crypto
    ? (text) => crypto.hash('sha256', text, 'buffer')
    : (text) => createHash('sha256').update(text).digest();

const SLOT_WORDS = 4;
const INITIAL_SLOTS = 1 << 10;

/**
 * A map from text ids to numbers that keeps a 128-bit fingerprint instead of the text: 24 bytes a slot, so
 * millions of examples fit. The ids of these artifacts are SHA-256 texts, whose first half serves as it is;
 * other ids are hashed. Two ids are taken for the same with a probability below 1e-24 at a million ids.
 */
export class IdMap {
  #words = new Uint32Array(INITIAL_SLOTS * SLOT_WORDS);
  #values = new Float64Array(INITIAL_SLOTS).fill(Number.NaN);
  #mask = INITIAL_SLOTS - 1;
  #size = 0;
  readonly #print = new Uint32Array(SLOT_WORDS);

  get size(): number {
    return this.#size;
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  get(id: string): number | undefined {
    const slot = this.slot(id);
    return slot === -1 ? undefined : this.#values[slot]!;
  }

  /** Where the id is kept, for `at` and `put` until the next `set`; -1 when it is absent. */
  slot(id: string): number {
    fingerprint(id, this.#print);
    const slot = this.#find(this.#print, 0);
    return Number.isNaN(this.#values[slot]!) ? -1 : slot;
  }

  at(slot: number): number {
    return this.#values[slot]!;
  }

  put(slot: number, value: number): void {
    this.#values[slot] = value;
  }

  /** @param value any number but NaN */
  set(id: string, value: number): void {
    fingerprint(id, this.#print);
    const slot = this.#find(this.#print, 0);
    if (Number.isNaN(this.#values[slot]!)) {
      this.#words.set(this.#print, slot * SLOT_WORDS);
      this.#size++;
    }
    this.#values[slot] = value;
    if (this.#size * 4 > this.#values.length * 3) this.#grow();
  }

  /** The slot of the fingerprint at `at`, or the free slot where it belongs. */
  #find(print: Uint32Array, at: number): number {
    let slot = print[at]! & this.#mask;
    while (!Number.isNaN(this.#values[slot]!)) {
      const word = slot * SLOT_WORDS;
      if (
        this.#words[word] === print[at] &&
        this.#words[word + 1] === print[at + 1] &&
        this.#words[word + 2] === print[at + 2] &&
        this.#words[word + 3] === print[at + 3]
      )
        return slot;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const words = this.#words;
    const values = this.#values;
    this.#words = new Uint32Array(words.length * 2);
    this.#values = new Float64Array(values.length * 2).fill(Number.NaN);
    this.#mask = this.#values.length - 1;
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot]!;
      if (Number.isNaN(value)) continue;
      const target = this.#find(words, slot * SLOT_WORDS);
      this.#words.set(words.subarray(slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS), target * SLOT_WORDS);
      this.#values[target] = value;
    }
  }
}

const HEX = new Int8Array(128).fill(-1);
for (let i = 0; i < 16; i++) HEX['0123456789abcdef'.charCodeAt(i)] = i;

/** 128 bits of an id: the first 32 digits of a SHA-256 text, the start of the SHA-256 of anything else. */
function fingerprint(id: string, out: Uint32Array): void {
  if (id.length === 64 && readHex(id, out)) return;
  const digest = sha256(id);
  for (let i = 0; i < SLOT_WORDS; i++) out[i] = digest.readUInt32BE(4 * i);
}

function readHex(id: string, out: Uint32Array): boolean {
  for (let word = 0; word < SLOT_WORDS; word++) {
    let value = 0;
    for (let i = 8 * word; i < 8 * word + 8; i++) {
      const digit = HEX[id.charCodeAt(i)] ?? -1;
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    out[word] = value;
  }
  // The second half is not kept, but it must be hexadecimal for the id to be what it seems.
  for (let i = 32; i < 64; i++) if ((HEX[id.charCodeAt(i)] ?? -1) < 0) return false;
  return true;
}
