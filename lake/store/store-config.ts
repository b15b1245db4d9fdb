import { RunlakeError } from '../errors.ts';

export interface S3Settings {
  readonly bucket: string;
  /** Keys of the store lie below it; no slash at either end; empty for the whole bucket. */
  readonly prefix: string;
  /** URL of an S3-compatible server; AWS when undefined. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** `http://host/bucket/key` in place of `http://bucket.host/key`; what self-hosted servers expect. */
  readonly pathStyle?: boolean | undefined;
  /** The SDK's own chain (profiles, web identity, instance roles) when undefined. */
  readonly credentials?: S3Credentials | undefined;
  /** A socket without any traffic for so long counts as broken. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The settings contradict each other or lack something. */
export class StoreConfigError extends RunlakeError {
  readonly code = 'STORE_CONFIG';
}

/** Where settings come from: `process.env` or a part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `S3_ENDPOINT` (or `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), `S3_PATH_STYLE`, `AWS_REGION` (or
 * `AWS_DEFAULT_REGION`; us-east-1) and `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
 * @throws StoreConfigError
 */
export function s3SettingsFrom(bucket: string, prefix: string, env: Environment): S3Settings {
  const endpoint = nonEmpty(env['S3_ENDPOINT'] ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']);
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    throw new StoreConfigError(`S3_ENDPOINT is ${JSON.stringify(endpoint)}, which is not a URL`, {
      expected: 'http://host:port or https://host',
    });
  }
  return {
    bucket,
    prefix,
    endpoint,
    region: nonEmpty(env['AWS_REGION']) ?? nonEmpty(env['AWS_DEFAULT_REGION']) ?? 'us-east-1',
    pathStyle: pathStyleFrom(env['S3_PATH_STYLE'], endpoint),
    credentials: credentialsFrom(env),
  };
}

function pathStyleFrom(text: string | undefined, endpoint: string | undefined): boolean {
  if (nonEmpty(text) === undefined) return endpoint !== undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new StoreConfigError(`S3_PATH_STYLE is ${JSON.stringify(text)}`, { expected: 'true or false' });
}

function credentialsFrom(env: Environment): S3Credentials | undefined {
  const accessKeyId = nonEmpty(env['AWS_ACCESS_KEY_ID']);
  const secretAccessKey = nonEmpty(env['AWS_SECRET_ACCESS_KEY']);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, sessionToken: nonEmpty(env['AWS_SESSION_TOKEN']) };
  }
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
  throw new StoreConfigError(`only one of the two S3 keys is set: ${missing} is missing`, {
    remedy: `set ${missing}, or unset both to use a profile or role`,
  });
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function isHttpUrl(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}
