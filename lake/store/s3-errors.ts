import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf, RunlakeError } from '../errors.ts';
import { errnoOf } from './local-errors.ts';
import { ObjectNotFoundError, StoreError } from './object-store.ts';

/**
 * What a failed request means:
 * - `absent`: no such object; `taken`: 412, the condition does not hold; `beyond-end`: 416
 * - `transient`: worth another try, whether or not the server did the work
 * - `unsupported`: the server does not know the request or its condition
 * - `final`: everything else
 */
export type S3Failure = 'absent' | 'taken' | 'beyond-end' | 'transient' | 'unsupported' | 'final';

const transientCodes = new Set([
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
  'RequestTimeout',
  'RequestTimeoutException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'BandwidthLimitExceeded',
  'ConditionalRequestConflict',
  'OperationAborted',
  'TimeoutError',
]);

const transientErrnos = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

const remedies: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create the bucket, or correct its name in RUNLAKE_STORE',
  AccessDenied: 'give these credentials s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on it',
  Forbidden: 'give these credentials s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on it',
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID and that S3_ENDPOINT names the right server',
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY',
  ExpiredToken: 'renew the credentials (AWS_SESSION_TOKEN has expired)',
  RequestTimeTooSkewed: 'set the clock of this machine',
  PermanentRedirect: 'set AWS_REGION to the region of the bucket',
  AuthorizationHeaderMalformed: 'set AWS_REGION to the region of the bucket',
  CredentialsProviderError:
    'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run with a role',
  QuotaExceeded: 'free space in the bucket or raise its quota',
  ECONNREFUSED: 'check that the server at S3_ENDPOINT runs',
  ENOTFOUND: 'check the host name in S3_ENDPOINT and AWS_REGION',
  InvalidBucketName: 'correct the name of the bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
};

/** HTTP status of the answer that an error stands for; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** Sorts whatever a request threw. */
export function classifyS3Error(error: unknown): S3Failure {
  if (!(error instanceof Error) || error instanceof RunlakeError) return 'final';
  if (transientCodes.has(error.name)) return 'transient';
  if (!(error instanceof S3ServiceException)) {
    const errno = errnoOf(error);
    const answerCutShort = error.message === 'aborted' || error.message === 'socket hang up';
    return answerCutShort || (errno !== undefined && transientErrnos.has(errno)) ? 'transient' : 'final';
  }
  const status = statusOf(error);
  if (error.name === 'NoSuchKey' || error.name === 'NotFound') return 'absent';
  if (status === 404 && error.name !== 'NoSuchBucket' && error.name !== 'NoSuchUpload') return 'absent';
  if (status === 412) return 'taken';
  if (status === 416) return 'beyond-end';
  if (status === 501) return 'unsupported';
  if (status === 408 || status === 409 || status === 429) return 'transient';
  // A success status on an error means that the answer could not be read.
  if (status !== undefined && (status >= 500 || (status >= 200 && status < 300))) return 'transient';
  return 'final';
}

/** The final error for a request's failure; our own errors pass. */
export function toS3StoreError(
  error: unknown,
  action: string,
  store: string,
  key: string | undefined,
): RunlakeError {
  if (error instanceof RunlakeError) return error;
  if (key !== undefined && classifyS3Error(error) === 'absent') {
    return new ObjectNotFoundError(store, key, error);
  }
  const name = error instanceof Error ? error.name : 'Error';
  const remedy = remedies[name] ?? remedies[errnoOf(error) ?? ''] ?? remedyByStatus(statusOf(error));
  const status = statusOf(error);
  // Some servers send no message, for which the SDK says UnknownError.
  const message = messageOf(error) === 'UnknownError' ? '' : `: ${messageOf(error)}`;
  const what = key === undefined ? store : `${key} in ${store}`;
  const answer = `${name}${status === undefined ? '' : ` (${status})`}${message}`;
  return new StoreError(`cannot ${action} ${what}: ${answer}`, {
    cause: error,
    ...(key === undefined ? {} : { where: { file: key } }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function remedyByStatus(status: number | undefined): string | undefined {
  if (status === 403) return remedies['AccessDenied'];
  if (status === 401) return remedies['InvalidAccessKeyId'];
  if (status === 301) return remedies['PermanentRedirect'];
  if (status === 503 || status === 429) return 'the server stays overloaded: try again later';
  return undefined;
}
