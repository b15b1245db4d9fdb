import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ObjectNotFoundError, type ObjectStore } from '../../../../lake/store/object-store.ts';
import { type AdamState, adamState } from './adam.ts';

const entrySchema = z.record(z.string(), z.number().nullable());

const headerSchema = z.object({
  /** Of the bytes after the header. */
  digest: z.string(),
  epoch: z.int().min(0),
  steps: z.int().min(0),
  best: z.object({ epoch: z.int(), value: z.number(), auroc: z.number().nullable() }).nullable(),
  log: z.array(entrySchema),
});

/** A line of the training log. */
export type LogEntry = z.infer<typeof entrySchema>;

/** A training between two epochs. */
export interface TrainingState {
  /** Epochs that are done. */
  epoch: number;
  readonly adam: AdamState;
  /** Of the epoch after which held-out rows were done best: parameters, and how well. */
  best: { epoch: number; value: number; auroc: number | null } | null;
  readonly bestParameters: Float32Array;
  readonly log: LogEntry[];
}

/** A checkpoint may take at most this share of the time. */
const SHARE = 1 / 20;

/**
 * Where a training is kept while it goes on: one object, replaced whole. One that is damaged or of other size counts as none, and
 * the training begins anew.
 */
export class TrainingCheckpoint {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #everyMs: number;
  #last = performance.now();
  #tookMs = 0;

  constructor(store: ObjectStore, key: string, everyMs: number) {
    this.#store = store;
    this.#key = key;
    this.#everyMs = everyMs;
  }

  /** Whether enough work would be lost to be worth a checkpoint. */
  get isDue(): boolean {
    return performance.now() - this.#last >= Math.max(this.#everyMs, this.#tookMs / SHARE);
  }

  /** @param count of the parameters */
  async read(count: number, signal: AbortSignal): Promise<TrainingState | undefined> {
    let bytes: Buffer;
    try {
      bytes = Buffer.from(await this.#store.get(this.#key, { signal }));
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return undefined;
      throw error;
    }
    const end = bytes.indexOf('\n');
    const body = bytes.subarray(end + 1);
    if (end < 0 || body.length !== 4 * 4 * count) return undefined;
    const header = parseHeader(bytes.toString('utf8', 0, end));
    if (header === undefined || header.digest !== digestOf([body])) return undefined;
    // A copy, because the bytes need not lie at a multiple of four.
    const numbers = new Float32Array(new Uint8Array(body).buffer);
    const part = (i: number): Float32Array => numbers.slice(i * count, (i + 1) * count);
    const { epoch, steps, best, log } = header;
    const adam = { ...adamState(part(0)), first: part(1), second: part(2), steps };
    return { epoch, adam, best, bestParameters: part(3), log };
  }

  async write({ epoch, adam, best, bestParameters, log }: TrainingState, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    const body = [adam.parameters, adam.first, adam.second, bestParameters].map(
      (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    );
    const header = { digest: digestOf(body), epoch, steps: adam.steps, best, log };
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...body]);
    await this.#store.put(this.#key, bytes, { signal });
    this.#last = performance.now();
    this.#tookMs = this.#last - begun;
  }
}

function parseHeader(text: string): z.infer<typeof headerSchema> | undefined {
  try {
    return headerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function digestOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
