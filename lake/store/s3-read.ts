import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { checkSignal, sleep } from './abort.ts';
import { type ByteRange, StoreError } from './object-store.ts';
import { backoffMs } from './retry.ts';
import { abortable, describeScope, finalError, type RequestScope, type S3Context } from './s3-calls.ts';
import { classifyS3Error } from './s3-errors.ts';

/**
 * Streams an object or a non-empty range of it. A connection that breaks in the middle is taken up where it
 * broke, on condition that the object is still the same one; the bytes are never fewer than the object's.
 * A range that starts at or after the end yields nothing.
 * @throws ObjectNotFoundError, StoreError, CancelledError
 */
export async function* streamObject(
  context: S3Context,
  key: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const scope: RequestScope = { action: 'read', key, signal };
  const start = range?.start ?? 0;
  const end = range === undefined || range.end > Number.MAX_SAFE_INTEGER ? undefined : range.end;
  let position = start;
  let etag: string | undefined;
  /** Failures since the last byte: an object of any size may break often, as long as it moves on. */
  let failures = 0;
  for (;;) {
    checkSignal(signal, describeScope(context, scope));
    try {
      const answer = await request(context, key, { position, end, etag }, signal);
      etag ??= answer.ETag;
      const expectedEnd = position + lengthOf(answer, position, range !== undefined || position > 0);
      if (!(answer.Body instanceof Readable)) throw new StoreError(`${key} came without a body`);
      for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
        position += chunk.length;
        if (position > expectedEnd) throw new StoreError(`${key} came longer than announced`);
        failures = 0;
        yield chunk;
        checkSignal(signal, describeScope(context, scope));
      }
      if (position === expectedEnd) return;
      failures += 1;
      if (failures >= context.retryPolicy.attempts) {
        throw new StoreError(`${key} in ${context.uri} broke off at byte ${position} of ${expectedEnd}`);
      }
    } catch (error) {
      const failure = classifyS3Error(error);
      if (failure === 'beyond-end' && position === start && !signal?.aborted) return;
      if (failure === 'taken' && etag !== undefined) {
        throw new StoreError(`${key} in ${context.uri} was replaced while it was being read`, {
          where: { file: key },
          remedy: 'read it again',
        });
      }
      failures += 1;
      const giveUp = failure !== 'transient' || failures >= context.retryPolicy.attempts;
      if (giveUp || signal?.aborted) throw finalError(context, scope, error);
    }
    await sleep(backoffMs(context.retryPolicy, failures), signal, describeScope(context, scope));
  }
}

function request(
  context: S3Context,
  key: string,
  from: { position: number; end: number | undefined; etag: string | undefined },
  signal: AbortSignal | undefined,
): Promise<GetObjectCommandOutput> {
  const partial = from.position > 0 || from.end !== undefined;
  const command = new GetObjectCommand({
    Bucket: context.bucket,
    Key: context.fullKey(key),
    ...(partial ? { Range: `bytes=${from.position}-${from.end === undefined ? '' : from.end - 1}` } : {}),
    ...(from.etag === undefined ? {} : { IfMatch: from.etag }),
  });
  return context.client.send(command, abortable(signal));
}

/** The announced length of the body, after a check that it starts where it was asked to. */
function lengthOf(answer: GetObjectCommandOutput, position: number, partial: boolean): number {
  if (answer.ContentLength === undefined) throw new StoreError('the server did not announce a length');
  if (partial && position > 0 && !answer.ContentRange?.startsWith(`bytes ${position}-`)) {
    throw new StoreError(`the server answered a request from byte ${position} with ${answer.ContentRange}`, {
      remedy: 'the server must support range requests',
    });
  }
  return answer.ContentLength;
}
