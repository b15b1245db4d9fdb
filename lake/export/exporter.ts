import { randomUUID } from 'node:crypto';
import { InvalidArgumentError } from '../errors.ts';
import type { Lake } from '../lake.ts';
import type { CallOptions, ObjectInfo, ObjectStore } from '../store/object-store.ts';
import {
  type ExportedResult,
  type ExportFormat,
  type ExportOptions,
  type ExportRequest,
  type ExportSummary,
  exportResult,
  FORMATS,
} from './result.ts';

/** Where exports lie in the store. */
export const EXPORTS_PREFIX = 'exports/';

/** How long an export is kept, and a URL for it works. */
export const EXPORT_LIFE_MS = 24 * 3600 * 1000;

const NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(arrow|arrows|parquet)$/;

/** An export in the store. */
export interface StoredExport extends ExportSummary {
  /** Its file name. */
  readonly name: string;
  /** A URL with which anybody can get it until it expires, where the store has such. */
  readonly url: string | undefined;
  /** Token of the state that was read. */
  readonly snapshot: string;
  readonly expiresAt: Date;
}

/** Makes exports, and keeps them in the object store of the lake for a while. */
export class Exporter {
  readonly #lake: Lake;
  readonly #lifeMs: number;

  constructor(lake: Lake, options: { readonly lifeMs?: number } = {}) {
    this.#lake = lake;
    this.#lifeMs = options.lifeMs ?? EXPORT_LIFE_MS;
  }

  /** An export that is made as its bytes are read, and kept nowhere. */
  open(request: ExportRequest, options: ExportOptions = {}): Promise<ExportedResult> {
    return exportResult(this.#lake, request, options);
  }

  /** Writes an export into the store: all of it, or nothing that anybody can see. */
  async write(request: ExportRequest, options: ExportOptions = {}): Promise<StoredExport> {
    const { store } = this.#lake;
    await deleteExpiredExports(store, { ...options, lifeMs: this.#lifeMs });
    const name = `${randomUUID()}.${FORMATS[request.format].extension}`;
    const key = EXPORTS_PREFIX + name;
    const result = await exportResult(this.#lake, request, options);
    try {
      await store.upload(key, result, options);
    } finally {
      await result.close();
    }
    const url = await store.presign?.(key, {
      expiresSeconds: Math.floor(this.#lifeMs / 1000),
      fileName: name,
    });
    const expiresAt = new Date(Date.now() + this.#lifeMs);
    return { name, url, snapshot: request.snapshot.token, expiresAt, ...result.summary };
  }

  /** Looks an export up; undefined when there is none of that name, or it has expired. */
  async find(name: string, options: CallOptions = {}): Promise<FoundExport | undefined> {
    const format = formatOf(name);
    const object = await this.#lake.store.head(EXPORTS_PREFIX + name, options);
    if (object === undefined || isExpired(object, this.#lifeMs)) return undefined;
    return {
      format,
      bytes: object.size,
      stream: () => this.#lake.store.stream(object.key, options),
    };
  }
}

export interface FoundExport {
  readonly format: ExportFormat;
  readonly bytes: number;
  stream(): AsyncIterable<Uint8Array>;
}

function formatOf(name: string): ExportFormat {
  const extension = NAME.exec(name)?.[1];
  for (const format of ['arrow', 'arrow-stream', 'parquet'] as const) {
    if (FORMATS[format].extension === extension) return format;
  }
  throw new InvalidArgumentError(`${name} is no name of an export`);
}

function isExpired({ modified }: ObjectInfo, lifeMs: number): boolean {
  return modified.getTime() + lifeMs < Date.now();
}

/** Deletes exports that nobody can get any more. Returns how many, and their bytes. */
export async function deleteExpiredExports(
  store: ObjectStore,
  options: CallOptions & { readonly lifeMs?: number; readonly dryRun?: boolean | undefined } = {},
): Promise<{ files: number; bytes: number }> {
  const { lifeMs = EXPORT_LIFE_MS, dryRun = false, signal } = options;
  const call: CallOptions = signal ? { signal } : {};
  const expired: ObjectInfo[] = [];
  for await (const object of store.list({ prefix: EXPORTS_PREFIX, ...call })) {
    if (isExpired(object, lifeMs)) expired.push(object);
  }
  if (!dryRun && expired.length > 0)
    await store.delete(
      expired.map(({ key }) => key),
      call,
    );
  return { files: expired.length, bytes: expired.reduce((sum, { size }) => sum + size, 0) };
}
