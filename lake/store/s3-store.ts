import { HeadObjectCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { InvalidArgumentError } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { assertKey, assertRange, compareKeys, keyProblem } from './keys.ts';
import {
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type PresignOptions,
  StoreError,
  type UploadSource,
} from './object-store.ts';
import { defaultRetry, type RetryPolicy } from './retry.ts';
import { abortable, describeScope, type RequestScope, type S3Context, send } from './s3-calls.ts';
import { createS3Client } from './s3-client.ts';
import { putObjectIfAbsent } from './s3-conditional.ts';
import { deleteObjects } from './s3-delete.ts';
import { presignGet } from './s3-presign.ts';
import { streamObject } from './s3-read.ts';
import { minPartBytes, putObject, type UploadLimits, uploadObject } from './s3-upload.ts';
import type { S3Settings } from './store-config.ts';

export interface S3StoreOptions {
  readonly retryPolicy?: RetryPolicy;
  /** Size of the parts of a large upload, 5 MiB or more. Default 16 MiB: 160 GB in one upload before parts must grow. */
  readonly partBytes?: number;
  /** Default 4. */
  readonly parallelParts?: number;
  /** Connections to the server. Default 64. */
  readonly maxSockets?: number;
  /** Keys asked for in one page of a listing; servers cap it at 1,000, the default. */
  readonly pageSize?: number;
}

/** An object store in a bucket, or below a prefix in it, of any server that speaks S3. */
export class S3Store implements ObjectStore {
  readonly uri: string;
  readonly identity: string;
  readonly #context: S3Context;
  readonly #limits: UploadLimits;
  readonly #pageSize: number;
  readonly #keyPrefix: string;

  /** @throws InvalidArgumentError for a prefix that is no key or parts below the limit of S3 */
  constructor(settings: S3Settings, options: S3StoreOptions = {}) {
    if (settings.prefix !== '') assertKey(settings.prefix);
    const partBytes = options.partBytes ?? 16 * 1024 * 1024;
    if (partBytes < minPartBytes) {
      throw new InvalidArgumentError(`parts of ${partBytes} bytes are too small`, {
        expected: `${minPartBytes} or more`,
      });
    }
    this.#keyPrefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
    this.uri = `s3://${settings.bucket}${settings.prefix === '' ? '' : `/${settings.prefix}`}`;
    this.identity = settings.endpoint === undefined ? this.uri : `${this.uri}@${settings.endpoint}`;
    this.#limits = { partBytes, parallelParts: options.parallelParts ?? 4 };
    this.#pageSize = options.pageSize ?? 1_000;
    this.#context = {
      client: createS3Client(settings, options.maxSockets ?? 64),
      bucket: settings.bucket,
      uri: this.uri,
      retryPolicy: options.retryPolicy ?? defaultRetry,
      fullKey: (key) => this.#keyPrefix + key,
    };
  }

  localPath(_key: string): undefined {
    return undefined;
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    assertKey(key);
    const command = new HeadObjectCommand({ Bucket: this.#context.bucket, Key: this.#context.fullKey(key) });
    try {
      const found = await send(this.#context, { action: 'look up', key, signal: options.signal }, () =>
        this.#context.client.send(command, abortable(options.signal)),
      );
      return { key, size: found.ContentLength ?? 0, modified: found.LastModified ?? new Date(0) };
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return undefined;
      throw error;
    }
  }

  async presign(key: string, options: PresignOptions): Promise<string> {
    assertKey(key);
    return presignGet(this.#context, key, options);
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.stream(key, options)) {
      chunks.push(chunk);
      size += chunk.length;
    }
    const bytes = new Uint8Array(size);
    let position = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, position);
      position += chunk.length;
    }
    return bytes;
  }

  async *stream(key: string, options: GetOptions = {}): AsyncIterable<Uint8Array> {
    assertKey(key);
    assertRange(options.range);
    const { range, signal } = options;
    if (range !== undefined && range.start === range.end) {
      // S3 cannot say "no bytes".
      if ((await this.head(key, options)) === undefined) throw new ObjectNotFoundError(this.uri, key);
      return;
    }
    yield* streamObject(this.#context, key, range, signal);
  }

  async put(key: string, body: Uint8Array, options: CallOptions = {}): Promise<void> {
    assertKey(key);
    await putObject(this.#context, key, body, options.signal);
  }

  async putIfAbsent(key: string, body: Uint8Array, options: CallOptions = {}): Promise<boolean> {
    assertKey(key);
    return putObjectIfAbsent(this.#context, key, body, options.signal);
  }

  async upload(key: string, source: UploadSource, options: CallOptions = {}): Promise<number> {
    assertKey(key);
    checkSignal(options.signal, describeScope(this.#context, { action: 'write', key }));
    return uploadObject(this.#context, key, source, this.#limits, options.signal);
  }

  /** Objects whose names are no keys (folder markers such as `a/`) are left out. */
  async *list(options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const { prefix = '', after, signal } = options;
    const scope: RequestScope = { action: 'list', signal };
    let token: string | undefined;
    let last: string | undefined = after;
    do {
      const page = await send(this.#context, scope, () => this.#page(prefix, last, token, signal));
      for (const item of page.Contents ?? []) {
        const key = this.#keyOf(item.Key ?? '');
        if (key === undefined || keyProblem(key) !== undefined) continue;
        if (last !== undefined && compareKeys(key, last) <= 0) {
          throw new StoreError(`${this.uri} lists keys out of order: ${key} after ${last}`, {
            remedy: 'use a general purpose bucket; directory buckets do not list in order',
          });
        }
        last = key;
        yield { key, size: item.Size ?? 0, modified: item.LastModified ?? new Date(0) };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) assertKey(key);
    checkSignal(options.signal, describeScope(this.#context, { action: 'delete from' }));
    await deleteObjects(this.#context, keys, options.signal);
  }

  /** Closes idle connections. The store must not be used afterwards. */
  close(): void {
    this.#context.client.destroy();
  }

  #page(
    prefix: string,
    last: string | undefined,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    const command = new ListObjectsV2Command({
      Bucket: this.#context.bucket,
      Prefix: this.#keyPrefix + prefix,
      // XML cannot carry every character of a key.
      EncodingType: 'url',
      MaxKeys: this.#pageSize,
      ...(last === undefined || last === '' ? {} : { StartAfter: this.#keyPrefix + last }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    return this.#context.client.send(command, abortable(signal));
  }

  /** The store's key of a listed, URL-encoded name; undefined outside the prefix. */
  #keyOf(encoded: string): string | undefined {
    const name = decodeURIComponent(encoded.replaceAll('+', ' '));
    return name.startsWith(this.#keyPrefix) ? name.slice(this.#keyPrefix.length) : undefined;
  }
}
