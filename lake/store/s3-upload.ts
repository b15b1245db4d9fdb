import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { checkSignal } from './abort.ts';
import { StoreError, type UploadSource } from './object-store.ts';
import { abortable, describeScope, type RequestScope, type S3Context, send } from './s3-calls.ts';
import { sourceParts } from './upload-source.ts';

/** Limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const minPartBytes = 5 * 1024 * 1024;
const maxParts = 10_000;

/** Marks an object with the upload that made it, to recognise it when the last answer was lost. */
const uploadIdMetadata = 'runlake-upload';

export interface UploadLimits {
  readonly partBytes: number;
  /** Parts in flight; memory is bounded by two more than that. */
  readonly parallelParts: number;
}

/** All parts have one size (some servers insist) until a stream of unknown length threatens to need too many. */
async function partBytesFor(source: UploadSource, partBytes: number): Promise<(part: number) => number> {
  const size = await knownSize(source);
  if (size === undefined) return (part) => (part <= maxParts / 2 ? partBytes : 4 * partBytes);
  const fitting = Math.max(partBytes, Math.ceil(size / maxParts));
  return () => fitting;
}

async function knownSize(source: UploadSource): Promise<number | undefined> {
  if (source instanceof Uint8Array) return source.length;
  if (!('file' in source)) return undefined;
  // What is wrong with the file is reported by whoever opens it.
  return (await stat(source.file).catch(() => undefined))?.size;
}

/** Writes an object in one request, replacing what is there. @throws CancelledError, StoreError */
export async function putObject(
  context: S3Context,
  key: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  await send(context, { action: 'write', key, signal }, () =>
    context.client.send(
      new PutObjectCommand({ Bucket: context.bucket, Key: context.fullKey(key), Body: body }),
      abortable(signal),
    ),
  );
}

/** Uploads a source of any size; what fits into one part is a plain PUT. Returns the size in bytes. */
export async function uploadObject(
  context: S3Context,
  key: string,
  source: UploadSource,
  limits: UploadLimits,
  signal: AbortSignal | undefined,
): Promise<number> {
  const what = describeScope(context, { action: 'write', key });
  const parts = sourceParts(source, await partBytesFor(source, limits.partBytes), signal, what);
  try {
    const first = await parts.next();
    const second = await parts.next();
    checkSignal(signal, what);
    if (first.done || second.done) {
      const body = first.value ?? new Uint8Array(0);
      await putObject(context, key, body, signal);
      return body.length;
    }
    return await new PartedUpload(context, key, limits, signal).run([first.value, second.value], parts);
  } finally {
    await parts.return();
  }
}

/** Not named like a member of its commands: the compiler would rename those (docs/decisions/198). */
class PartedUpload {
  readonly #context: S3Context;
  readonly #scope: RequestScope & { readonly key: string };
  readonly #parallel: number;
  readonly #target: { readonly Bucket: string; readonly Key: string };
  readonly #mark = randomUUID();
  /** Stops the other parts when one fails, and follows the caller's signal. */
  readonly #stop = new AbortController();
  readonly #etags: string[] = [];
  #size = 0;

  constructor(context: S3Context, key: string, limits: UploadLimits, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#scope = { action: 'write', key, signal };
    this.#parallel = limits.parallelParts;
    this.#target = { Bucket: context.bucket, Key: context.fullKey(key) };
  }

  async run(firstParts: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): Promise<number> {
    const uploadId = await this.#create();
    const forward = () => this.#stop.abort();
    this.#scope.signal?.addEventListener('abort', forward);
    const inFlight = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    const start = async (body: Uint8Array) => {
      while (inFlight.size >= this.#parallel && failure === undefined) await Promise.race(inFlight);
      if (failure !== undefined) throw failure.error;
      const part = this.#putPart(uploadId, body)
        .catch((error: unknown) => {
          failure ??= { error };
          this.#stop.abort();
        })
        .finally(() => inFlight.delete(part));
      inFlight.add(part);
    };
    try {
      for (const body of firstParts) await start(body);
      for await (const body of rest) await start(body);
      await Promise.all(inFlight);
      if (failure !== undefined) throw failure.error;
      await this.#complete(uploadId);
      return this.#size;
    } catch (error) {
      this.#stop.abort();
      await Promise.all(inFlight);
      await this.#discard(uploadId);
      throw error;
    } finally {
      this.#scope.signal?.removeEventListener('abort', forward);
    }
  }

  async #create(): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      ...this.#target,
      Metadata: { [uploadIdMetadata]: this.#mark },
    });
    const { UploadId } = await send(this.#context, this.#scope, () =>
      this.#context.client.send(command, abortable(this.#scope.signal)),
    );
    if (UploadId === undefined) throw new StoreError('the server started an upload without an id');
    return UploadId;
  }

  async #putPart(uploadId: string, body: Uint8Array): Promise<void> {
    const partNumber = this.#etags.push('');
    if (partNumber > maxParts) throw new StoreError(`${this.#scope.key} needs more than ${maxParts} parts`);
    this.#size += body.length;
    const command = { ...this.#target, UploadId: uploadId, PartNumber: partNumber, Body: body };
    // The caller's signal decides what an abort is called; the inner one ends the request.
    const { ETag } = await send(this.#context, this.#scope, () =>
      this.#context.client.send(new UploadPartCommand(command), abortable(this.#stop.signal)),
    );
    if (ETag === undefined) throw new StoreError('the server stored a part without an ETag');
    this.#etags[partNumber - 1] = ETag;
  }

  async #complete(uploadId: string): Promise<void> {
    const parts = this.#etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
    const command = { ...this.#target, UploadId: uploadId, MultipartUpload: { Parts: parts } };
    await send(this.#context, this.#scope, async (attempt) => {
      try {
        await this.#context.client.send(
          new CompleteMultipartUploadCommand(command),
          abortable(this.#scope.signal),
        );
      } catch (error) {
        // An earlier try whose answer was lost may have completed it, which uses up the upload's id.
        if (attempt > 1 && (await this.#isStored())) return;
        throw error;
      }
    });
  }

  async #isStored(): Promise<boolean> {
    try {
      const { Metadata } = await this.#context.client.send(new HeadObjectCommand(this.#target));
      return Metadata?.[uploadIdMetadata] === this.#mark;
    } catch {
      return false;
    }
  }

  /** Frees the parts. When even this fails, a lifecycle rule of the bucket is what removes them. */
  async #discard(uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#target, UploadId: uploadId });
    const scope: RequestScope = { action: 'abort the upload of', key: this.#scope.key };
    await send(this.#context, scope, () => this.#context.client.send(command)).catch(() => undefined);
  }
}
