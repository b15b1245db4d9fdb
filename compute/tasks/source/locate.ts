import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LocalStore } from '../../../lake/store/local-store.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { openStore, parseStoreUri } from '../../../lake/store/open-store.ts';
import type { TaskServices } from '../task.ts';

/** Where a file is. */
export interface Located {
  readonly store: ObjectStore;
  readonly key: string;
}

/**
 * The place that an address means.
 * @param address a path on the worker, a key in the store, or an address such as s3://bucket/key
 */
export async function locate(
  address: string,
  { store, env }: Pick<TaskServices, 'store' | 'env'>,
  signal: AbortSignal,
): Promise<Located> {
  if (/^s3:/i.test(address)) {
    const slash = address.lastIndexOf('/');
    return { store: await openStore(address.slice(0, slash), { env }), key: address.slice(slash + 1) };
  }
  const isKey = !address.startsWith('/') && (await store.head(address, { signal })) !== undefined;
  if (isKey && !existsSync(address)) return { store, key: address };
  const parsed = parseStoreUri(address);
  const path = parsed.kind === 'local' ? parsed.path : address;
  return { store: new LocalStore('/'), key: resolve(path).slice(1) };
}
