import { type CallOptions, ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';

/** `prefix/name`, where an empty prefix is the store's root. */
export const join = (prefix: string, name: string) =>
  prefix === '' ? name : `${prefix.replace(/\/$/, '')}/${name}`;

/** The object, or bytes `[start, end)` of it, or undefined when it does not exist. */
export async function getIfThere(
  store: ObjectStore,
  key: string,
  range?: { readonly start: number; readonly end: number },
  options: CallOptions = {},
): Promise<Uint8Array | undefined> {
  try {
    return await store.get(key, range === undefined ? options : { ...options, range });
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}
