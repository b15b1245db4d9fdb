import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { Semaphore } from '../../cache/semaphore.ts';
import { messageOf, RunlakeError } from '../../errors.ts';
import type { CopiedFile } from '../copy.ts';
import { encodeVectorFile, type VectorFileJob } from './vector-file.ts';

/** Encodes files of vectors. */
export interface VectorEncoder {
  /** The memory of the vectors belongs to the encoder from now on. */
  encode(job: VectorFileJob): Promise<CopiedFile>;
  /** Waits for what is being encoded, and ends the thread. */
  close(): Promise<void>;
}

/** A file of vectors could not be written: most often the disk is full. */
export class VectorEncodingError extends RunlakeError {
  readonly code = 'VECTOR_ENCODING_FAILED';
}

/** What the thread runs. */
const SCRIPT = new URL('./encoder-thread.js', import.meta.url);

/**
 * Encodes file after file in a thread of its own, which starts when it is needed: encoding takes about as long as
 * decoding, so a second one would only wait for files. Where the program runs from its sources there is no script for a
 * thread, and encoding takes place in this one.
 */
export function openVectorEncoder(script: URL = SCRIPT): VectorEncoder {
  return existsSync(script) ? new EncoderThread(script) : { encode: encodeHere, close: async () => {} };
}

async function encodeHere(job: VectorFileJob): Promise<CopiedFile> {
  try {
    return encodeVectorFile(job);
  } catch (cause) {
    throw failure(cause);
  }
}

function failure(cause: unknown): VectorEncodingError {
  return new VectorEncodingError(`a file of vectors cannot be written: ${messageOf(cause)}`, { cause });
}

const answerSchema = z.union([
  z.object({
    file: z.object({
      path: z.string(),
      name: z.string(),
      rows: z.number(),
      bytes: z.number(),
      columnStats: z.record(z.string(), z.record(z.string(), z.string())),
    }),
  }),
  z.object({ error: z.unknown() }),
]);

class EncoderThread implements VectorEncoder {
  readonly #script: URL;
  readonly #turns = new Semaphore(1);
  #worker: Worker | undefined;
  readonly #running = new Set<Promise<CopiedFile>>();

  constructor(script: URL) {
    this.#script = script;
  }

  async encode(job: VectorFileJob): Promise<CopiedFile> {
    const encoding = this.#turns.run(() => this.#encode(job), undefined, 'encoding');
    this.#running.add(encoding);
    try {
      return await encoding;
    } finally {
      this.#running.delete(encoding);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#worker?.terminate();
  }

  async #encode(job: VectorFileJob): Promise<CopiedFile> {
    this.#worker ??= new Worker(this.#script);
    try {
      return await ask(this.#worker, job);
    } catch (error) {
      // It may have ended: the next file gets a new one.
      await this.#worker.terminate();
      this.#worker = undefined;
      throw failure(error);
    }
  }
}

async function ask(worker: Worker, job: VectorFileJob): Promise<CopiedFile> {
  // While it works the process must not end; an idle thread keeps nobody waiting.
  worker.ref();
  const done = new AbortController();
  try {
    const { signal } = done;
    const ended = once(worker, 'exit', { signal }).then(([code]) => {
      throw new Error(`the thread that encoded it ended with code ${code}`);
    });
    const answered = Promise.race([once(worker, 'message', { signal }), ended]);
    // It ends with the signal, and is nobody's when the job could not even be sent.
    answered.catch(() => {});
    worker.postMessage(job, memoryOf(job));
    const [message]: unknown[] = await answered;
    const answer = answerSchema.parse(message);
    if ('error' in answer) throw answer.error;
    return answer.file;
  } finally {
    done.abort();
    worker.unref();
  }
}

/** What moves to the thread instead of being copied. */
function memoryOf({ batches }: VectorFileJob): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { vectors } of batches) {
    const { buffer } = vectors instanceof Float32Array ? vectors : vectors.bytes;
    if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}
