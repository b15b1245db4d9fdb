import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalStore } from '../../../lake/store/local-store.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { CheckpointError } from '../errors.ts';
import { writeCheckpoint } from '../testing.ts';
import { hashCheckpoint, openCheckpoint } from './checkpoint.ts';
import { fetchCheckpoint } from './fetch.ts';

let root: string;
let store: LocalStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-fetch-'));
  store = new LocalStore(join(root, 'store'));
  await writeCheckpoint(join(root, 'store', 'models', 'tiny'));
  await writeFile(join(root, 'store', 'models', 'tiny', 'pytorch_model.bin'), 'not wanted');
});
afterAll(() => rm(root, { recursive: true }));

/** The store as if it were far away. */
function remote(count: { streams: number }): ObjectStore {
  return new Proxy<ObjectStore>(store, {
    get(target, name) {
      if (name === 'localPath') return () => undefined;
      if (name === 'stream') {
        return (...args: Parameters<ObjectStore['stream']>) => {
          count.streams++;
          return target.stream(...args);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

it('uses a local checkpoint where it lies', async () => {
  expect(await fetchCheckpoint(store, 'models/tiny', join(root, 'cache'))).toBe(
    join(root, 'store', 'models', 'tiny'),
  );
});

it('copies a remote one once, also when several ask, and again when it has changed', async () => {
  const count = { streams: 0 };
  const cache = join(root, 'cache');
  const far = remote(count);
  const paths = await Promise.all([1, 2, 3].map(() => fetchCheckpoint(far, 'models/tiny/', cache)));
  expect(new Set(paths).size).toBe(1);
  expect((await readdir(paths[0]!)).sort()).toEqual(['config.json', 'model.safetensors']);
  expect(await readdir(cache)).toHaveLength(1);
  const original = await openCheckpoint(join(root, 'store', 'models', 'tiny'));
  expect(await hashCheckpoint(await openCheckpoint(paths[0]!))).toBe(await hashCheckpoint(original));

  count.streams = 0;
  expect(await fetchCheckpoint(far, 'models/tiny', cache)).toBe(paths[0]);
  expect(count.streams).toBe(0);

  const config = join(root, 'store', 'models', 'tiny', 'config.json');
  await utimes(config, new Date(), new Date(2_000_000_000_000));
  const changed = await fetchCheckpoint(far, 'models/tiny', cache);
  expect(changed).not.toBe(paths[0]);
  expect(await readFile(join(changed, 'config.json'))).toEqual(await readFile(config));
});

it('says that there is nothing, and leaves nothing half copied', async () => {
  const cache = join(root, 'other');
  await expect(fetchCheckpoint(store, 'models/absent', cache)).rejects.toThrow(CheckpointError);
  const broken = new Proxy(remote({ streams: 0 }), {
    get(target, name) {
      if (name === 'stream') {
        return async function* () {
          yield new Uint8Array(1);
        };
      }
      return Reflect.get(target, name);
    },
  });
  await expect(fetchCheckpoint(broken, 'models/tiny', cache)).rejects.toThrow(/changed while it was copied/);
  expect(await readdir(cache)).toEqual([]);
});
