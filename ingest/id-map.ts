import crypto, { createHash } from 'node:crypto';

/** Hashing in one call is twice as fast where Node has it (from 20.12). */
const sha256: (id: Id) => Buffer =
  'hash' in crypto
    ? (id) => crypto.hash('sha256', id, 'buffer')
    : (id) => createHash('sha256').update(id).digest();

/** A text, or the UTF-8 of one. */
export type Id = string | Uint8Array;

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

  has(id: Id): boolean {
    return this.get(id) !== undefined;
  }

  get(id: Id): number | undefined {
    const slot = this.slot(id);
    return slot === -1 ? undefined : this.#values[slot]!;
  }

  /** Where the id is kept, for `at` and `put` until the next `set`; -1 when it is absent. */
  slot(id: Id): number {
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
  set(id: Id, value: number): void {
    if (!this.add(id, value)) this.#values[this.#find(this.#print, 0)] = value;
  }

  /** Sets the value of an id that has none; whether it had none. @param value any number but NaN */
  add(id: Id, value: number): boolean {
    fingerprint(id, this.#print);
    const slot = this.#find(this.#print, 0);
    if (!Number.isNaN(this.#values[slot]!)) return false;
    this.#words.set(this.#print, slot * SLOT_WORDS);
    this.#values[slot] = value;
    this.#size++;
    if (this.#size * 4 > this.#values.length * 3) this.#grow();
    return true;
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

const HEX_ID = 64;
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) HEX['0123456789abcdef'.charCodeAt(i)] = i;
const scratch = Buffer.alloc(HEX_ID);

/** 128 bits of an id: the first 32 digits of a SHA-256 text, the start of the SHA-256 of anything else. */
function fingerprint(id: Id, out: Uint32Array): void {
  if (id.length === HEX_ID) {
    if (typeof id !== 'string') {
      if (readHex(id, out)) return;
    } else if (scratch.write(id) === HEX_ID && readHex(scratch, out)) return;
  }
  const digest = sha256(id);
  for (let i = 0; i < SLOT_WORDS; i++) out[i] = digest.readUInt32BE(4 * i);
}

function readHex(id: Uint8Array, out: Uint32Array): boolean {
  for (let word = 0; word < SLOT_WORDS; word++) {
    let value = 0;
    for (let i = 8 * word; i < 8 * word + 8; i++) {
      const digit = HEX[id[i]!]!;
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    out[word] = value;
  }
  // The second half is not kept, but it must be hexadecimal for the id to be what it seems.
  for (let i = HEX_ID / 2; i < HEX_ID; i++) if (HEX[id[i]!]! < 0) return false;
  return true;
}
