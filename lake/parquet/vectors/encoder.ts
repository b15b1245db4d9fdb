import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
  /** Waits for what is being encoded, and ends the threads. */
  close(): Promise<void>;
}

/** A file of vectors could not be written: most often the disk is full. */
export class VectorEncodingError extends RunlakeError {
  readonly code = 'VECTOR_ENCODING_FAILED';
}

/** With more, files wait for the thread that decodes. */
const MAX_THREADS = 2;

/** What a thread runs. */
const SCRIPT = new URL('./encoder-thread.js', import.meta.url);

/**
 * Encodes in threads of its own, which start when they are needed. Where the program runs from its sources there is no
 * script for a thread, and encoding takes place in this one.
 */
export function openVectorEncoder(script: URL = SCRIPT): VectorEncoder {
  return existsSync(script) ? new EncoderThreads(script) : { encode: encodeHere, close: async () => {} };
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

class EncoderThreads implements VectorEncoder {
  readonly #script: URL;
  readonly #turns = new Semaphore(Math.min(MAX_THREADS, availableParallelism()));
  readonly #idle: Worker[] = [];
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
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()));
  }

  async #encode(job: VectorFileJob): Promise<CopiedFile> {
    const worker = this.#idle.pop() ?? new Worker(this.#script);
    try {
      const file = await ask(worker, job);
      this.#idle.push(worker);
      return file;
    } catch (error) {
      // It may have ended, or hold half a file.
      await worker.terminate();
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
    ended.catch(() => {});
    const answered = once(worker, 'message', { signal });
    worker.postMessage(job, memoryOf(job));
    const [message]: unknown[] = await Promise.race([answered, ended]);
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
    const { buffer } = vectors instanceof Float32Array ? vectors : vectors.bits;
    if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}
