import { RunlakeError } from '../errors.ts';

export interface ObjectInfo {
  /** Key relative to the store's root, `/`-separated, never starting with `/`. */
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

/** Bytes `[start, end)` of an object; `end` may lie past the object's end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  readonly range?: ByteRange;
}

export interface StreamOptions extends GetOptions {
  /** Each chunk is needed only until the next one is asked for, so that its memory may be used again. */
  readonly transient?: boolean;
}

export interface ListOptions extends CallOptions {
  /** Only keys that start with this prefix. */
  readonly prefix?: string;
  /** Only keys greater than this one (byte order of UTF-8, exclusive). */
  readonly after?: string;
}

export interface PresignOptions {
  readonly expiresSeconds: number;
  /** As what a browser saves it. */
  readonly fileName: string;
}

/** Where a large object's bytes come from: memory, a local file, or a stream of chunks. */
export type UploadSource = Uint8Array | { readonly file: string } | AsyncIterable<Uint8Array>;

/**
 * The only thing the lake asks of storage. Implementations: `LocalStore` (a directory) and `S3Store`.
 * Both pass the same contract test (`object-store.contract.ts`).
 *
 * Writes are atomic: a reader sees the whole object or none. Every call honours `signal` and rejects with
 * `CancelledError`. Transient failures are retried inside with jittered back-off; what is thrown is final.
 */
export interface ObjectStore {
  /** `file:/abs/path` or `s3://bucket/prefix`, for messages and for identity. */
  readonly uri: string;
  /** Tells two stores of one `uri` apart (buckets of one name on two servers); `uri` when undefined. */
  readonly identity?: string;
  /** The absolute local path of a key when its bytes can be read from the local file system directly. */
  localPath(key: string): string | undefined;
  /** A URL with which anybody can get the object for a while, where the store has such. */
  presign?(key: string, options: PresignOptions): Promise<string>;
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** @throws ObjectNotFoundError */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;
  /** Streams the object (or a range of it) with bounded memory. @throws ObjectNotFoundError */
  stream(key: string, options?: StreamOptions): AsyncIterable<Uint8Array>;
  /** Creates or replaces. */
  put(key: string, body: Uint8Array, options?: CallOptions): Promise<void>;
  /**
   * Creates the object only if the key is free; exactly one of several concurrent writers gets `true`.
   * Never retried blindly: when an answer is lost, the object is read back and compared with `body`, so the
   * caller gets `true` iff *its* bytes are stored. Callers make bodies unique (a commit carries a random id).
   */
  putIfAbsent(key: string, body: Uint8Array, options?: CallOptions): Promise<boolean>;
  /** Creates or replaces a possibly large object, in parts, with bounded memory. Resolves to its size. */
  upload(key: string, source: UploadSource, options?: CallOptions): Promise<number>;
  /** In byte order of the UTF-8 key, recursive. */
  list(options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Deleting a key that does not exist is not an error. */
  delete(keys: readonly string[], options?: CallOptions): Promise<void>;
}

/** There is no object of this key. Who asked decides what that means: an empty table, or one whose files are lost. */
export class ObjectNotFoundError extends RunlakeError {
  readonly code = 'OBJECT_NOT_FOUND';
  constructor(store: string, key: string, cause?: unknown) {
    super(`no object ${key} in ${store}`, { where: { file: key }, cause });
  }
}

/** The store failed for good: permissions, a missing bucket, retries exhausted, a full disk. */
export class StoreError extends RunlakeError {
  readonly code = 'STORE_ERROR';
}

/** The start-up probe found that put-if-absent is not atomic here, so commits could be lost. */
export class UnsafeStoreError extends RunlakeError {
  readonly code = 'UNSAFE_STORE';
}
