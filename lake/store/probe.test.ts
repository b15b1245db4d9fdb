import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CancelledError } from '../errors.ts';
import { LocalStore } from './local-store.ts';
import { collect } from './object-store.contract.ts';
import { StoreError, UnsafeStoreError } from './object-store.ts';
import { probePutIfAbsent } from './probe.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-probe-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A store whose put-if-absent misbehaves as real servers were reported to. */
class Misbehaving extends LocalStore {
  readonly #put: (store: LocalStore, key: string, body: Uint8Array) => Promise<boolean>;
  constructor(put: (store: LocalStore, key: string, body: Uint8Array) => Promise<boolean>) {
    super(root);
    this.#put = put;
  }
  override putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    return this.#put(new LocalStore(root), key, body);
  }
}

describe('probePutIfAbsent', () => {
  test('passes an atomic store and leaves nothing behind', async () => {
    const store = new LocalStore(root);
    await probePutIfAbsent(store);
    expect(await collect(store.list())).toEqual([]);
  });

  const broken: Record<
    string,
    [RegExp, (store: LocalStore, key: string, body: Uint8Array) => Promise<boolean>]
  > = {
    'ignores the condition': [
      /16 of 16 writers/,
      async (store, key, body) => {
        await store.put(key, body);
        return true;
      },
    ],
    'looks first and writes afterwards': [
      /of 16 writers were each told/,
      async (store, key, body) => {
        if ((await store.head(key)) !== undefined) return false;
        await store.put(key, body);
        return true;
      },
    ],
    'inverts the condition': [
      /none of 16 writers/,
      async (store, key, body) => {
        if ((await store.head(key)) === undefined) return false;
        await store.put(key, body);
        return true;
      },
    ],
    'writes although it refuses': [
      /bytes of the one winner are not stored|refused writer changed/,
      async (store, key, body) => {
        const won = await store.putIfAbsent(key, body);
        await store.put(key, body);
        return won;
      },
    ],
    'accepts a second writer once the race is over': [
      /existed already/,
      (() => {
        const calls = new Map<string, number>();
        return async (store: LocalStore, key: string, body: Uint8Array) => {
          calls.set(key, (calls.get(key) ?? 0) + 1);
          return calls.get(key)! > 16 || store.putIfAbsent(key, body);
        };
      })(),
    ],
  };
  for (const [name, [message, put]] of Object.entries(broken)) {
    test(`refuses a store that ${name}`, async () => {
      const failure = await probePutIfAbsent(new Misbehaving(put)).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(UnsafeStoreError);
      expect(failure).toMatchObject({
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(/server/),
      });
      expect(await collect(new LocalStore(root).list())).toEqual([]);
    });
  }

  test('a store that cannot be written to is not called unsafe', async () => {
    const denied = new StoreError('no permission');
    const store = new Misbehaving(() => Promise.reject(denied));
    await expect(probePutIfAbsent(store)).rejects.toBe(denied);
    await expect(probePutIfAbsent(store, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});
