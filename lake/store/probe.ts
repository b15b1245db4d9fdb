import { randomUUID } from 'node:crypto';
import { checkSignal } from './abort.ts';
import { type CallOptions, type ObjectStore, UnsafeStoreError } from './object-store.ts';

export interface ProbeOptions extends CallOptions {
  /** Writers that race for one key. Default 16. */
  readonly writers?: number;
  /** Races, each on a fresh key. Default 3: a race that is not atomic may by luck have one winner. */
  readonly rounds?: number;
}

/**
 * Checks that put-if-absent of a store is atomic, on which every commit relies: of N parallel writers of a fresh
 * key exactly one must win, its bytes must be stored, and a later writer must lose and change nothing. Servers
 * that ignore the condition, invert it, or check it without atomicity exist. Leaves no object behind.
 * @throws UnsafeStoreError when it is not; StoreError when the store cannot be written to at all
 */
export async function probePutIfAbsent(store: ObjectStore, options: ProbeOptions = {}): Promise<void> {
  for (let round = 0; round < (options.rounds ?? 3); round++) {
    const key = `_runlake_probe/${randomUUID()}`;
    try {
      await race(store, key, options.writers ?? 16, options.signal);
    } finally {
      await store.delete([key]).catch(() => undefined);
    }
  }
}

async function race(
  store: ObjectStore,
  key: string,
  writers: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  checkSignal(signal, `probing ${store.uri}`);
  const options = signal === undefined ? {} : { signal };
  const bodies = Array.from({ length: writers + 1 }, (_, n) => Buffer.from(`writer ${n} ${randomUUID()}`));
  const late = bodies.pop()!;
  const settled = await Promise.allSettled(bodies.map((body) => store.putIfAbsent(key, body, options)));
  const won = settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  const winners = won.filter(Boolean).length;
  if (winners === 0) throw unsafe(store, `none of ${writers} writers could create a new object`);
  if (winners > 1) {
    throw unsafe(store, `${winners} of ${writers} writers were each told that they created one object`);
  }
  await expectStored(
    store,
    key,
    bodies[won.indexOf(true)]!,
    'the bytes of the one winner are not stored',
    options,
  );
  if (await store.putIfAbsent(key, late, options)) {
    throw unsafe(store, 'a writer was told that it created an object that existed already');
  }
  await expectStored(store, key, bodies[won.indexOf(true)]!, 'a refused writer changed the object', options);
}

async function expectStored(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  otherwise: string,
  options: CallOptions,
): Promise<void> {
  if (Buffer.compare(await store.get(key, options), body) !== 0) throw unsafe(store, otherwise);
}

function unsafe(store: ObjectStore, found: string): UnsafeStoreError {
  return new UnsafeStoreError(`conditional writes are not atomic in ${store.uri}: ${found}`, {
    expected: 'put-if-absent (If-None-Match: *) with exactly one winner',
    remedy:
      'Runlake does not write here, because commits could be lost. Update the server or use a store with atomic ' +
      'conditional writes (AWS S3, MinIO, Ceph, R2, a local disk); reading works anyway',
  });
}
