import type { S3Client } from '@aws-sdk/client-s3';
import { CancelledError } from '../errors.ts';
import { type RetryPolicy, retry } from './retry.ts';
import { classifyS3Error, toS3StoreError } from './s3-errors.ts';

/** What every request of one store needs. */
export interface S3Context {
  readonly client: S3Client;
  readonly bucket: string;
  /** For messages. */
  readonly uri: string;
  readonly retryPolicy: RetryPolicy;
  /** Key in the bucket of a key of the store. */
  fullKey(key: string): string;
}

export interface RequestScope {
  /** Verb for messages, such as `read`. */
  readonly action: string;
  /** Key in the store; undefined for requests about the store itself. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The options every request takes; the SDK's types do not accept an undefined signal. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** What a request was to do, for messages. */
export function describeScope(context: S3Context, scope: RequestScope): string {
  return `${scope.action} ${scope.key ?? ''} in ${context.uri}`;
}

/**
 * Sends a request that may safely be sent twice, retrying what is transient.
 * @throws CancelledError, ObjectNotFoundError, StoreError
 */
export async function send<T>(
  context: S3Context,
  scope: RequestScope,
  request: (attempt: number) => Promise<T>,
): Promise<T> {
  try {
    return await retry(request, (error) => !scope.signal?.aborted && classifyS3Error(error) === 'transient', {
      policy: context.retryPolicy,
      signal: scope.signal,
      what: describeScope(context, scope),
    });
  } catch (error) {
    throw finalError(context, scope, error);
  }
}

/** The error for the caller: an abort, whatever it surfaced as, is a `CancelledError`. */
export function finalError(context: S3Context, scope: RequestScope, error: unknown): Error {
  if (scope.signal?.aborted) {
    return error instanceof CancelledError ? error : new CancelledError(describeScope(context, scope), error);
  }
  return toS3StoreError(error, scope.action, context.uri, scope.key);
}
