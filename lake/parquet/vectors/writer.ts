import { join } from 'node:path';
import type { CopiedFile } from '../copy.ts';
import { dataFileName } from '../file-name.ts';
import { checkBatch, type VectorBatch } from './batch.ts';
import type { VectorEncoder } from './encoder.ts';

export interface VectorFileOptions {
  readonly storeId: string;
  readonly ingestId: string;
  /** Write a file once so many bytes of vectors are collected, counted as float32. */
  readonly fileBytes?: number | undefined;
}

/** 64 MiB: what one file collects is held in memory; compaction makes larger ones. */
const FILE_BYTES = 64 * 1024 * 1024;

/** Collects rows of `activations` for one file after another. */
export class VectorWriter {
  readonly #encoder: VectorEncoder;
  readonly #directory: string;
  readonly #options: VectorFileOptions;
  readonly #fileBytes: number;
  #batches: VectorBatch[] = [];
  #bytes = 0;

  /** @param directory an existing local directory for the written files */
  constructor(encoder: VectorEncoder, directory: string, options: VectorFileOptions) {
    this.#encoder = encoder;
    this.#directory = directory;
    this.#options = options;
    this.#fileBytes = options.fileBytes ?? FILE_BYTES;
  }

  /**
   * Collects a batch; true once enough is collected for a file, and `write` should follow.
   * @throws InvalidArgumentError
   */
  add(batch: VectorBatch): boolean {
    checkBatch(batch);
    if (batch.rows === 0) return false;
    this.#batches.push(batch);
    this.#bytes += batch.rows * batch.dim * Float32Array.BYTES_PER_ELEMENT;
    return this.#bytes >= this.#fileBytes;
  }

  /**
   * Writes what is collected; undefined when that is nothing. Another file can be collected, and written, meanwhile.
   * @throws VectorEncodingError
   */
  async write(): Promise<CopiedFile | undefined> {
    if (this.#batches.length === 0) return undefined;
    const batches = this.#batches;
    this.#batches = [];
    this.#bytes = 0;
    const { storeId, ingestId } = this.#options;
    const path = join(this.#directory, dataFileName());
    return this.#encoder.encode({ path, storeId, ingestId, batches });
  }
}
