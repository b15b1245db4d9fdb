import { endianness } from 'node:os';
import { float32ToFloat16Array } from '../../../ingest/formats/tensor/float16.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import type { CapturedVectors } from '../../model/generation/generation.ts';
import type { TextAnswer, TextFailure, TextSample } from '../text-model/text-model.ts';
import type { PartHeader, StoredAnswer, StoredSample, StoredVectors } from './record.ts';

/** A part is written when it holds this much, or when so long has passed since the one before. */
const FULL_BYTES = 4 * 2 ** 20;
const FULL_RECORDS = 256;
const DEFAULT_FULL_MS = 2_000;

/**
 * Writes answers as they come, in append-only parts: `<attempt>-<n>.jsonl` with one line an answer and, where vectors were
 * captured, `<attempt>-<n>.bin`. The lines are written last: a part is there once they are.
 */
export class PartWriter {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #attempt: number;
  readonly #header: PartHeader;
  readonly #fullMs: number;
  #next = 0;
  #lines: string[] = [];
  #vectors: Uint8Array[] = [];
  #textBytes = 0;
  #vectorBytes = 0;
  #since = Date.now();

  /** @param attempt that of the job: no two workers write parts of one attempt */
  constructor(
    store: ObjectStore,
    prefix: string,
    attempt: number,
    header: PartHeader,
    fullMs = DEFAULT_FULL_MS,
  ) {
    this.#store = store;
    this.#prefix = prefix;
    this.#attempt = attempt;
    this.#header = header;
    this.#fullMs = fullMs;
  }

  async add(answer: TextAnswer): Promise<void> {
    const { id, samples, promptTokens, promptVectors } = answer;
    const stored: StoredAnswer = {
      id,
      samples: samples.map((sample) => this.#sample(sample)),
      promptTokens,
      ...(promptVectors !== undefined && { promptVectors: this.#keep(promptVectors) }),
    };
    await this.#line(JSON.stringify(stored));
  }

  async addFailure({ id, code, message }: TextFailure): Promise<void> {
    await this.#line(JSON.stringify({ id, error: { code, message } }));
  }

  /** Writes what has come since the last part. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = Buffer.from(`${[JSON.stringify(this.#header), ...this.#lines].join('\n')}\n`);
    const vectors = Buffer.concat(this.#vectors);
    this.#lines = [];
    this.#vectors = [];
    this.#textBytes = 0;
    this.#vectorBytes = 0;
    // A name that is taken is that of a part which was cut off, or of a part of an earlier life of the job.
    for (let written = false; !written; this.#next++) {
      const name = `${this.#prefix}${pad(this.#attempt, 5)}-${pad(this.#next, 6)}`;
      const captured = this.#header.model.capture !== null;
      if (captured && !(await this.#store.putIfAbsent(`${name}.bin`, vectors))) continue;
      written = await this.#store.putIfAbsent(`${name}.jsonl`, text);
    }
    this.#since = Date.now();
  }

  #sample({ vectors, ...sample }: TextSample): StoredSample {
    const { tokenIds, logProbabilities, top } = sample;
    return {
      text: sample.text,
      finish: sample.finish,
      tokenCount: sample.tokenCount,
      ...(tokenIds !== undefined && { tokenIds: [...tokenIds] }),
      ...(logProbabilities !== undefined && { logProbabilities: [...logProbabilities] }),
      ...(top !== undefined && { top: top.map((tokens) => [...tokens]) }),
      seconds: sample.seconds,
      ...(vectors !== undefined && { vectors: this.#keep(vectors) }),
    };
  }

  #keep({ data, layers, tokens, hidden }: CapturedVectors): StoredVectors {
    const bytes = vectorBytes(data, this.#header.vectors);
    const offset = this.#vectorBytes;
    this.#vectors.push(bytes);
    this.#vectorBytes += bytes.length;
    return { offset, vectors: data.length / (layers.length * hidden), tokens: [...tokens] };
  }

  async #line(line: string): Promise<void> {
    this.#lines.push(line);
    this.#textBytes += line.length;
    const full =
      this.#lines.length >= FULL_RECORDS ||
      this.#textBytes + this.#vectorBytes >= FULL_BYTES ||
      Date.now() - this.#since >= this.#fullMs;
    if (full) await this.flush();
  }
}

/** Little-endian bytes in memory of their own: what was captured may be used again. */
function vectorBytes(data: Float32Array, type: PartHeader['vectors']): Uint8Array {
  const values = type === 'float16' ? float32ToFloat16Array(data) : data.slice();
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  if (endianness() === 'BE') type === 'float16' ? bytes.swap16() : bytes.swap32();
  return bytes;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
