import { isDeepStrictEqual } from 'node:util';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import {
  type PartHeader,
  partHeaderSchema,
  partLineSchema,
  type StoredAnswer,
  type StoredVectors,
  storedAnswerSchema,
} from './record.ts';

/** Of the parts that answers were read from last so much is held. */
const HELD_BYTES = 64 * 2 ** 20;

/** Where an answer is. */
interface Place {
  readonly part: string;
  readonly start: number;
  readonly end: number;
}

/** An answer with its vectors. */
export interface AnswerRecord {
  readonly answer: StoredAnswer;
  readonly header: PartHeader;
  /** Bytes of vectors of this answer. */
  vectors(stored: StoredVectors): Uint8Array;
}

/**
 * The answers that the parts below a prefix hold. Where several have one (a worker that was taken for dead wrote on), the part
 * whose name comes first counts, so that what is made of the answers depends on the parts alone.
 */
export class Parts {
  readonly #store: ObjectStore;
  readonly #places: ReadonlyMap<number, Place>;
  readonly #headers: ReadonlyMap<string, PartHeader>;
  readonly failures: ReadonlyMap<number, { readonly code: string; readonly message: string }>;
  /** Keys of all objects of the parts. */
  readonly keys: readonly string[];
  /** Answered samples' tokens. */
  readonly tokens: number;
  readonly #held = new Map<string, { readonly text: Uint8Array; readonly binary: Uint8Array }>();
  #heldBytes = 0;

  private constructor(
    store: ObjectStore,
    places: ReadonlyMap<number, Place>,
    headers: ReadonlyMap<string, PartHeader>,
    failures: Parts['failures'],
    keys: readonly string[],
    tokens: number,
  ) {
    this.#store = store;
    this.#places = places;
    this.#headers = headers;
    this.failures = failures;
    this.keys = keys;
    this.tokens = tokens;
  }

  /** @throws PermanentTaskError when parts disagree about the model */
  static async read(store: ObjectStore, prefix: string, signal: AbortSignal): Promise<Parts> {
    const places = new Map<number, Place>();
    const headers = new Map<string, PartHeader>();
    const failures = new Map<number, { code: string; message: string }>();
    const keys: string[] = [];
    let tokens = 0;
    for await (const { key } of store.list({ prefix, signal })) {
      keys.push(key);
      if (!key.endsWith('.jsonl')) continue;
      const part = key.slice(0, -'.jsonl'.length);
      const text = await store.get(key, { signal });
      let isHeader = true;
      for (const { start, end } of lines(text)) {
        const value: unknown = JSON.parse(decode(text, start, end));
        if (isHeader) {
          headers.set(part, partHeaderSchema.parse(value));
          isHeader = false;
          continue;
        }
        const line = partLineSchema.parse(value);
        if ('error' in line) failures.set(line.id, line.error);
        else if (!places.has(line.id)) {
          places.set(line.id, { part, start, end });
          tokens += line.samples.reduce((sum, { tokenCount }) => sum + (tokenCount ?? 0), 0);
        }
      }
    }
    for (const id of places.keys()) failures.delete(id);
    const parts = new Parts(store, places, headers, failures, keys, tokens);
    const [first] = headers.values();
    if (first !== undefined) for (const header of headers.values()) checkSameModel(first, header);
    return parts;
  }

  get size(): number {
    return this.#places.size;
  }

  has(id: number): boolean {
    return this.#places.has(id);
  }

  /** Who answered, by the first part; undefined when there is none. */
  get header(): PartHeader | undefined {
    return [...this.#headers.values()][0];
  }

  /** What computed, each once, in the order of the parts. */
  get engines(): PartHeader['model']['engine'][] {
    const found: PartHeader['model']['engine'][] = [];
    for (const { model } of this.#headers.values())
      if (!found.some((engine) => isDeepStrictEqual(engine, model.engine))) found.push(model.engine);
    return found;
  }

  /** Whether what computed may be relied on, a check for every part that a model of ours answered. */
  get checks(): ModelCheck[] {
    return [...this.#headers.values()].flatMap(({ model }) => model.check ?? []);
  }

  async get(id: number, signal: AbortSignal): Promise<AnswerRecord | undefined> {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const { part, start, end } = place;
    const { text, binary } = await this.#load(part, signal);
    const header = this.#headers.get(part)!;
    const width = (header.vectors === 'float16' ? 2 : 4) * (header.model.capture?.hidden ?? 0);
    const layers = header.model.capture?.layers.length ?? 0;
    return {
      answer: storedAnswerSchema.parse(JSON.parse(decode(text, start, end))),
      header,
      vectors: ({ offset, vectors }) => binary.subarray(offset, offset + layers * vectors * width),
    };
  }

  /** Answers are mostly asked for in the order in which they were made: the last few parts are enough. */
  async #load(part: string, signal: AbortSignal) {
    const known = this.#held.get(part);
    if (known !== undefined) {
      this.#held.delete(part);
      this.#held.set(part, known);
      return known;
    }
    const binary = this.#headers.get(part)?.model.capture
      ? await this.#store.get(`${part}.bin`, { signal })
      : new Uint8Array(0);
    const loaded = { text: await this.#store.get(`${part}.jsonl`, { signal }), binary };
    this.#held.set(part, loaded);
    this.#heldBytes += loaded.text.length + loaded.binary.length;
    for (const [name, { text, binary }] of this.#held) {
      if (this.#heldBytes <= HELD_BYTES || name === part) break;
      this.#held.delete(name);
      this.#heldBytes -= text.length + binary.length;
    }
    return loaded;
  }
}

/** Removes the parts below a prefix: what they hold is somewhere else now. */
export async function removeParts(store: ObjectStore, prefix: string, signal: AbortSignal): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix, signal })) keys.push(key);
  await store.delete(keys, { signal });
}

/** @throws PermanentTaskError unless two headers tell of the same model; the engine and its checks may be others */
export function checkSameModel(known: PartHeader, found: PartHeader): void {
  const { engine: _, check: _check, ...before } = known.model;
  const { engine: __, check: __check, ...now } = found.model;
  if (known.vectors === found.vectors && isDeepStrictEqual(plain(before), plain(now))) return;
  throw new PermanentTaskError(
    'MODEL_CHANGED',
    `the job began with another model: ${JSON.stringify(before)}, now ${JSON.stringify(now)}; submit it anew`,
  );
}

/** As it comes back from a part: members that are undefined are absent. */
function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}

function* lines(text: Uint8Array): Generator<{ readonly start: number; readonly end: number }> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf(0x0a, start);
    yield { start, end };
    start = end + 1;
  }
}

function decode(text: Uint8Array, start: number, end: number): string {
  return Buffer.from(text.buffer, text.byteOffset + start, end - start).toString('utf8');
}
