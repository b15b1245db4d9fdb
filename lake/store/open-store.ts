import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import { keyProblem } from './keys.ts';
import { LocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';
import { type Environment, StoreConfigError, s3SettingsFrom } from './store-config.ts';

export interface OpenStoreOptions {
  /** Where S3 settings come from. Default `process.env`. */
  readonly env?: Environment;
}

/** What a store's address means, before anything is opened. */
export type StoreAddress =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

/**
 * Parses `file:PATH` (taken literally, relative to the working directory), `file:///path` (a URL, percent-decoded),
 * `s3://bucket/prefix`, or a plain path.
 * @throws StoreConfigError
 */
export function parseStoreUri(uri: string): StoreAddress {
  if (uri === '') throw addressError(uri, 'it is empty');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase();
  if (scheme === 's3') return parseS3Uri(uri);
  if (scheme === 'file') return { kind: 'local', path: parseFileUri(uri) };
  if (scheme !== undefined && uri.startsWith('://', scheme.length)) {
    throw addressError(uri, `Runlake knows no ${scheme} stores`);
  }
  // A plain path may hold a colon.
  return { kind: 'local', path: uri };
}

/**
 * Opens the store at an address without touching it: nothing is created or sent before the first call.
 * @throws StoreConfigError
 */
export async function openStore(uri: string, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const address = parseStoreUri(uri);
  if (address.kind === 'local') return new LocalStore(address.path);
  const settings = s3SettingsFrom(address.bucket, address.prefix, options.env ?? process.env);
  // The SDK takes a noticeable time to load, which commands on a local store need not pay.
  const { S3Store } = await import('./s3-store.ts');
  return new S3Store(settings);
}

function parseFileUri(uri: string): string {
  if (!uri.slice('file:'.length).startsWith('//')) {
    const path = uri.slice('file:'.length);
    if (path === '') throw addressError(uri, 'the path is missing');
    return path;
  }
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw addressError(uri, messageOf(error));
  }
}

function parseS3Uri(uri: string): StoreAddress {
  const match = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(uri);
  const bucket = match?.[1] ?? '';
  const prefix = (match?.[2] ?? '').replace(/\/+$/, '');
  if (!bucketName.test(bucket)) throw addressError(uri, `${JSON.stringify(bucket)} is no name of a bucket`);
  const problem = prefix === '' ? undefined : keyProblem(prefix);
  if (problem !== undefined) throw addressError(uri, `the prefix is impossible: ${problem}`);
  return { kind: 's3', bucket, prefix };
}

function addressError(uri: string, reason: string): StoreConfigError {
  return new StoreConfigError(`${JSON.stringify(uri)} is not the address of a store: ${reason}`, {
    expected: 'file:PATH, a path, or s3://bucket/prefix',
  });
}
