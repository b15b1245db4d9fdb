import { PutObjectCommand } from '@aws-sdk/client-s3';
import { checkSignal, sleep } from './abort.ts';
import { ObjectNotFoundError, StoreError, UnsafeStoreError } from './object-store.ts';
import { backoffMs } from './retry.ts';
import { abortable, describeScope, finalError, type RequestScope, type S3Context } from './s3-calls.ts';
import { classifyS3Error, statusOf } from './s3-errors.ts';
import { streamObject } from './s3-read.ts';

/** A server that says "taken" of a key that it then cannot find, this often in a row, does not mean it. */
const maxPhantoms = 4;

/**
 * PUT with `If-None-Match: *`. The answer follows from what is stored, never from a status alone: a request whose
 * answer was lost (or that a proxy sent twice) meets its own object and is told 412. So on 412, and whenever the
 * outcome is unknown, the object is read back and compared. 409 means that a concurrent request was under way,
 * which settles nothing: try again.
 * @throws UnsafeStoreError when the server does not know the condition or uses it wrongly
 */
export async function putObjectIfAbsent(
  context: S3Context,
  key: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const scope: RequestScope = { action: 'create', key, signal };
  const what = describeScope(context, scope);
  let phantoms = 0;
  for (let attempt = 1; ; attempt++) {
    checkSignal(signal, what);
    let failure: unknown;
    try {
      await context.client.send(
        new PutObjectCommand({
          Bucket: context.bucket,
          Key: context.fullKey(key),
          Body: body,
          IfNoneMatch: '*',
        }),
        abortable(signal),
      );
      return true;
    } catch (error) {
      failure = error;
    }
    const kind = classifyS3Error(failure);
    if (kind === 'unsupported') {
      throw new UnsafeStoreError(`${context.uri} does not support conditional writes (If-None-Match)`, {
        cause: failure,
        remedy: 'use a server that does: AWS S3, MinIO, Ceph, R2, Google Cloud Storage…',
      });
    }
    if (kind !== 'taken' && (kind !== 'transient' || signal?.aborted))
      throw finalError(context, scope, failure);
    if (statusOf(failure) !== 409) {
      const stored = await compareStored(context, key, body, signal);
      if (stored !== 'absent') return stored === 'same';
      if (kind === 'taken' && ++phantoms >= maxPhantoms) {
        throw new UnsafeStoreError(
          `${context.uri} refuses to create ${key} as taken, but has no such object`,
          {
            cause: failure,
            remedy: 'its conditional writes are broken: update the server or use another one',
          },
        );
      }
    }
    if (attempt >= context.retryPolicy.attempts) {
      throw new StoreError(`cannot create ${key} in ${context.uri}: no try was answered`, {
        where: { file: key },
        cause: failure,
        remedy: 'a try may still take effect: look whether the object exists before writing again',
      });
    }
    await sleep(backoffMs(context.retryPolicy, attempt), signal, what);
  }
}

/** Compares an object with `body`, reading no further than the first difference. */
async function compareStored(
  context: S3Context,
  key: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<'same' | 'other' | 'absent'> {
  let position = 0;
  try {
    for await (const chunk of streamObject(context, key, undefined, signal)) {
      if (Buffer.compare(chunk, body.subarray(position, position + chunk.length)) !== 0) return 'other';
      position += chunk.length;
    }
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return 'absent';
    throw error;
  }
  return position === body.length ? 'same' : 'other';
}
