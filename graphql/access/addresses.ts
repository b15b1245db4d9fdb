import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { z } from 'zod';
import { mapAddresses } from '../../compute/tasks/addresses.ts';
import { hasErrno, RunlakeError } from '../../lake/errors.ts';
import { isInside } from '../../lake/store/confined-store.ts';
import { keyProblem } from '../../lake/store/keys.ts';
import { parseStoreUri } from '../../lake/store/open-store.ts';

/** What callers with a token may name, besides uploads to the lake's own store. */
export interface AddressSettings {
  /** `file:…` or `s3://…`: the store of the lake. */
  readonly store: string;
  /** Directories and `s3://bucket/prefix` that may be read from. */
  readonly readRoots: readonly string[];
  /** The same, for what may be written to. */
  readonly writeRoots: readonly string[];
  /** Addresses of servers that jobs may ask. */
  readonly endpoints: readonly string[];
}

/** The caller names a place that it may not have this server read, write or ask. */
export class AddressForbiddenError extends RunlakeError {
  readonly code = 'ADDRESS_FORBIDDEN';
  /** Path of the argument that names it, e.g. `input.model.path`. */
  readonly argument: string;
  constructor(argument: string, address: string, expected: string, setting: string) {
    super(`${argument}: ${JSON.stringify(address)} is not open to callers with a token`, {
      expected,
      remedy: `the operator of the server can allow it with ${setting}`,
    });
    this.argument = argument;
  }
}

/** A place that may be read, and the root that everything read from there must lie in. */
export interface ReadableAddress {
  readonly uri: string;
  readonly within: string;
}

/** A place without links, `.` and `..`. */
type Place =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

/** The folder of the store that holds the tokens. */
const CLOSED_FOLDER = 'auth';

/**
 * Decides about every address that callers with a token give: a path of this machine, a key of the store, a URL. What is not
 * allowed expressly is refused, before it is looked whether it is there.
 */
export class AddressPolicy {
  readonly #settings: AddressSettings;

  constructor(settings: AddressSettings) {
    this.#settings = settings;
  }

  /**
   * Where files may be read: below a read root, or an upload, that is an object below some folder of the lake's store other
   * than that of the tokens. Relative addresses are keys of the store.
   * @param argument what the caller calls it
   * @throws AddressForbiddenError
   */
  async readable(argument: string, address: string): Promise<ReadableAddress> {
    const { readRoots, store } = this.#settings;
    const refuse = () =>
      new AddressForbiddenError(
        argument,
        address,
        'an upload to the store of the lake, or a place below one of the roots',
        'RUNLAKE_INGEST_ROOTS',
      );
    const place = this.#placeOf(address);
    if (place === undefined) throw refuse();
    const real = await realPlace(place);
    if (real === undefined) throw refuse();
    for (const root of readRoots) {
      const allowed = parsedPlace(root);
      if (allowed === undefined || !isBelow(place, allowed)) continue;
      const realRoot = await realPlace(allowed);
      if (realRoot && isBelow(real, realRoot)) return { uri: uriOf(real), within: uriOf(realRoot) };
    }
    const ownStore = parsedPlace(store);
    if (ownStore === undefined || !isBelow(place, ownStore)) throw refuse();
    const realStore = await realPlace(ownStore);
    const [folder] = (realStore && stepsBelow(real, realStore)) ?? [];
    if (realStore === undefined || folder === undefined || folder.toLowerCase() === CLOSED_FOLDER)
      throw refuse();
    return { uri: uriOf(real), within: uriOf(child(realStore, folder)) };
  }

  /** Where may be written. @throws AddressForbiddenError */
  async writable(argument: string, address: string): Promise<string> {
    const place = this.#placeOf(address);
    if (place !== undefined) {
      const real = await realPlace(place);
      for (const root of this.#settings.writeRoots) {
        const allowed = parsedPlace(root);
        if (allowed === undefined || !isBelow(place, allowed)) continue;
        const realRoot = await realPlace(allowed);
        if (real && realRoot && isBelow(real, realRoot)) return uriOf(real);
      }
    }
    throw new AddressForbiddenError(
      argument,
      address,
      'a place below one of the roots for publishing',
      'RUNLAKE_PUBLISH_ROOTS',
    );
  }

  /** A server that may be asked. @throws AddressForbiddenError */
  endpoint(argument: string, address: string): string {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    const allowed = this.#settings.endpoints.some((text) => {
      if (url === undefined || !URL.canParse(text)) return false;
      const { origin, pathname } = new URL(text);
      return (
        url.origin === origin && origin !== 'null' && isInside(url.pathname, pathname.replace(/\/+$/, ''))
      );
    });
    if (url !== undefined && allowed && `${url.username}${url.password}` === '')
      return url.href.replace(/\/$/, '');
    throw new AddressForbiddenError(
      argument,
      address,
      'one of the endpoints of this server',
      'RUNLAKE_ENDPOINTS',
    );
  }

  /** The specification of a job with its addresses in full. @throws AddressForbiddenError */
  specification(schema: z.core.$ZodType, spec: unknown): Promise<unknown> {
    return mapAddresses(schema, spec, async (kind, address, path) => {
      const argument = ['input', ...path].join('.');
      if (kind === 'endpoint') return this.endpoint(argument, address);
      return (await this.readable(argument, address)).uri;
    });
  }

  #placeOf(address: string): Place | undefined {
    if (address.includes('\0')) return undefined;
    if (/^[a-z][a-z0-9+.-]*:/i.test(address) || isAbsolute(address)) return parsedPlace(address);
    const store = parsedPlace(this.#settings.store);
    const key = address.replace(/\/+$/, '');
    return store === undefined || keyProblem(key) !== undefined ? undefined : child(store, key);
  }
}

/** Undefined for what is no place. */
function parsedPlace(address: string): Place | undefined {
  try {
    const place = parseStoreUri(address);
    return place.kind === 's3' ? place : { kind: 'local', path: resolve(place.path) };
  } catch {
    return undefined;
  }
}

/** With symbolic links resolved, as far as the path exists; undefined where that cannot be told. */
async function realPlace(place: Place): Promise<Place | undefined> {
  if (place.kind === 's3') return place;
  const path = await realPath(place.path);
  return path === undefined ? undefined : { kind: 'local', path };
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    const isMissing = hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR');
    // A link to nothing is there, and may lead anywhere tomorrow.
    if (!isMissing || parent === path || (await isThere(path))) return undefined;
    const above = await realPath(parent);
    return above === undefined ? undefined : join(above, path.slice(parent.length));
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

function isBelow(place: Place, root: Place): boolean {
  return stepsBelow(place, root) !== undefined;
}

/** The names that lead from `root` to `place`; undefined when it lies elsewhere. */
function stepsBelow(place: Place, root: Place): string[] | undefined {
  const steps = (path: string): string[] => path.split('/').filter((step) => step !== '');
  if (place.kind === 'local') {
    if (root.kind !== 'local' || !isInside(place.path, root.path)) return undefined;
    return steps(place.path.slice(root.path.length));
  }
  if (root.kind !== 's3' || place.bucket !== root.bucket) return undefined;
  if (root.prefix !== '' && !isInside(place.prefix, root.prefix)) return undefined;
  return steps(place.prefix.slice(root.prefix.length));
}

function child(place: Place, key: string): Place {
  if (place.kind === 'local') return { kind: 'local', path: join(place.path, key) };
  return { ...place, prefix: [place.prefix, key].filter((part) => part !== '').join('/') };
}

function uriOf(place: Place): string {
  return place.kind === 'local' ? place.path : `s3://${place.bucket}/${place.prefix}`;
}
