import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, link, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CancelledError } from '../errors.ts';
import { LocalStore } from '../store/local-store.ts';
import { ObjectNotFoundError, StoreError } from '../store/object-store.ts';
import { ObjectCache, type ObjectCacheOptions } from './object-cache.ts';
import { RemoteStore } from './remote-store.fixture.ts';

describe('ObjectCache', () => {
  let root: string;
  let directory: string;
  const open: ObjectCache[] = [];
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runlake-cache-'));
    root = join(folder, 'remote');
    directory = join(folder, 'cache');
    return async () => {
      await Promise.all(open.splice(0).map((cache) => cache.close()));
      await rm(folder, { recursive: true });
    };
  });

  const newCache = (options: Partial<ObjectCacheOptions> = {}) => {
    const cache = new ObjectCache({ directory, maxBytes: 1e9, recheckMs: 0, ...options });
    open.push(cache);
    return cache;
  };
  const remote = async (objects: Record<string, Uint8Array | string>, options = {}) => {
    const store = new RemoteStore(root, options);
    for (const [key, body] of Object.entries(objects)) await store.put(key, Buffer.from(body));
    return store;
  };
  const read = (file: { path: string }) => readFileSync(file.path, 'utf8');
  const objectFiles = async () => {
    const names = await readdir(join(directory, 'objects'), { recursive: true }).catch(() => []);
    return names.filter((name) => /\/[0-9a-f]{64}[^/]*$/.test(name) && !name.endsWith('.meta'));
  };
  const cachedBytes = async () => {
    let sum = 0;
    for (const name of await objectFiles()) sum += (await stat(join(directory, 'objects', name))).size;
    return sum;
  };

  test('fetches an object once, then serves it from the directory, also to other instances', async () => {
    const store = await remote({ 'a/b.parquet': 'content' });
    const cache = newCache();
    const first = await cache.localFile(store, 'a/b.parquet', { size: 7 });
    expect(read(first)).toBe('content');
    expect(first.path).toMatch(/\.parquet$/);
    const second = await cache.localFile(store, 'a/b.parquet');
    expect(second.path).toBe(first.path);
    first.release();
    first.release();
    second.release();
    const other = await newCache().localFile(store, 'a/b.parquet', { size: 7 });
    expect(read(other)).toBe('content');
    expect(store.fetched).toEqual(['a/b.parquet']);
  });

  test('files of a local store are used where they are', async () => {
    const store = new LocalStore(root);
    await store.put('x', Buffer.from('1'));
    const file = await newCache().localFile(store, 'x');
    expect(file.path).toBe(join(root, 'x'));
    const files = await newCache().localFiles(store, [{ key: 'x' }]);
    expect(files.paths).toEqual([join(root, 'x')]);
    expect(await readdir(join(directory, '..'))).toEqual(['remote']);
  });

  test('buckets of one name on two servers do not mix', async () => {
    const here = await remote({ x: 'here' }, { identity: 's3://lake@one' });
    const there = new RemoteStore(join(root, 'two'), { identity: 's3://lake@two' });
    await there.put('x', Buffer.from('there'));
    const cache = newCache();
    expect(read(await cache.localFile(here, 'x'))).toBe('here');
    expect(read(await cache.localFile(there, 'x'))).toBe('there');
  });

  test('many callers share one fetch', async () => {
    const store = await remote({ x: randomBytes(50_000) }, { chunkPauseMs: 2 });
    const cache = newCache();
    const files = await Promise.all(Array.from({ length: 20 }, () => cache.localFile(store, 'x')));
    expect(new Set(files.map((file) => file.path)).size).toBe(1);
    expect(store.fetched).toEqual(['x']);
  });

  test('fetches run in parallel up to the limit', async () => {
    const objects = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, `body ${n}`]));
    const store = await remote(objects, { together: 4 });
    const wanted = Object.keys(objects).map((key) => ({ key }));
    const { paths, release } = await newCache({ parallelFetches: 4 }).localFiles(store, wanted);
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(Object.values(objects));
    expect(store.mostRunning).toBe(4);
    release();
  });

  test('all or none: one missing object ends the others, and nothing stays pinned', async () => {
    const store = await remote({ a: randomBytes(500_000), b: 'x' }, { chunkPauseMs: 5 });
    const cache = newCache({ maxBytes: 10 });
    const wanted = [{ key: 'b' }, { key: 'a' }, { key: 'missing' }];
    await expect(cache.localFiles(store, wanted)).rejects.toThrow(ObjectNotFoundError);
    expect(store.aborted).toBeGreaterThanOrEqual(1);
    await expect.poll(() => store.running).toBe(0);
    const { release } = await cache.localFiles(store, [{ key: 'b' }]);
    release();
    await expect.poll(cachedBytes).toBeLessThanOrEqual(10);
  });

  test('an object of another size than the log says is an error, warm and cold', async () => {
    const store = await remote({ x: '12345' });
    const cache = newCache();
    await expect(cache.localFile(store, 'x', { size: 4 })).rejects.toThrow(/more than 4 bytes/);
    await expect(cache.localFile(store, 'x', { size: 6 })).rejects.toThrow(/only 5 bytes/);
    expect(read(await cache.localFile(store, 'x', { size: 5 }))).toBe('12345');
    await expect(cache.localFile(store, 'x', { size: 6 })).rejects.toThrow(StoreError);
    const [small, right] = await Promise.allSettled([
      cache.localFile(store, 'x'),
      cache.localFile(store, 'x', { size: 9 }),
    ]);
    expect([small.status, right.status]).toEqual(['fulfilled', 'rejected']);
  });

  describe('a corrupt file is found and fetched again', () => {
    const damages: Record<string, (file: string) => Promise<void>> = {
      truncated: (file) => truncate(file, 3),
      emptied: (file) => truncate(file, 0),
      'overwritten with as many bytes': (file) => writeFile(file, 'CONTENT'),
      'without its checksum': (file) => rm(`${file}.meta`),
      'with a damaged checksum': (file) => writeFile(`${file}.meta`, '{"size":7}'),
      'with a checksum that is not JSON': (file) => writeFile(`${file}.meta`, 'x'),
      gone: (file) => rm(file),
    };
    for (const [name, damage] of Object.entries(damages)) {
      test(name, async () => {
        const store = await remote({ x: 'content' });
        const first = newCache();
        (await first.localFile(store, 'x')).release();
        await first.close();
        const file = join(directory, 'objects', (await objectFiles())[0]!);
        await chmod(file, 0o644);
        await damage(file);
        expect(read(await newCache().localFile(store, 'x'))).toBe('content');
        expect(store.fetched).toEqual(['x', 'x']);
        expect(read(await newCache().localFile(store, 'x'))).toBe('content');
        expect(store.fetched).toHaveLength(2);
      });
    }

    test('also while this process has it', async () => {
      const store = await remote({ x: 'content' });
      const cache = newCache();
      const first = await cache.localFile(store, 'x');
      await chmod(first.path, 0o644);
      await writeFile(first.path, 'CONTENT');
      await utimes(first.path, 1, 1);
      const second = await cache.localFile(store, 'x', { size: 7 });
      expect(read(second)).toBe('content');
      expect(store.fetched).toHaveLength(2);
    });

    test('a touched but whole file is checked and kept', async () => {
      const store = await remote({ x: 'content' });
      const cache = newCache();
      (await cache.localFile(store, 'x')).release();
      await cache.close();
      const file = join(directory, 'objects', (await objectFiles())[0]!);
      await utimes(file, new Date(), new Date(1234));
      expect(read(await newCache().localFile(store, 'x', { size: 7 }))).toBe('content');
      expect(store.fetched).toHaveLength(1);
    });

    test('after a restart of the machine every file is checked in full, once', async () => {
      const store = await remote({ good: 'content', bad: 'content' });
      const cache = newCache();
      for (const key of ['good', 'bad']) await cache.localFile(store, key);
      await cache.close();
      for (const name of await objectFiles()) {
        const file = join(directory, 'objects', name);
        const meta = JSON.parse(readFileSync(`${file}.meta`, 'utf8'));
        await writeFile(`${file}.meta`, JSON.stringify({ ...meta, boot: 'an earlier one' }));
        if (meta.key === 'good') continue;
        // What a power cut may do: the length and the time are on the disk, the content is not.
        await chmod(file, 0o644);
        await writeFile(file, new Uint8Array(7));
        await utimes(file, new Date(), meta.mtimeSeconds);
      }
      const later = newCache();
      for (const key of ['good', 'bad']) expect(read(await later.localFile(store, key))).toBe('content');
      expect(store.fetched).toEqual(['good', 'bad', 'bad']);
      const boots = (await objectFiles()).map(
        (name) => JSON.parse(readFileSync(join(directory, 'objects', `${name}.meta`), 'utf8')).boot,
      );
      expect(new Set(boots).size).toBe(1);
      expect(boots).not.toContain('an earlier one');
    });

    test('the whole directory may be removed while the cache is open', async () => {
      const store = await remote({ x: 'content', y: 'more' });
      const cache = newCache();
      (await cache.localFile(store, 'x')).release();
      await rm(directory, { recursive: true });
      expect(read(await cache.localFile(store, 'x'))).toBe('content');
      expect(read(await cache.localFile(store, 'y'))).toBe('more');
    });
  });

  describe('eviction', () => {
    const thousand = () => randomBytes(1000);

    test('keeps the cache below its limit and removes what was unused longest', async () => {
      const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
      const store = await remote(Object.fromEntries(keys.map((key) => [key, thousand()])));
      const cache = newCache({ maxBytes: 10_000 });
      for (const key of keys) {
        (await cache.localFile(store, key, { size: 1000 })).release();
        // k0 is used again and again.
        (await cache.localFile(store, 'k0', { size: 1000 })).release();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await expect.poll(cachedBytes).toBeLessThanOrEqual(10_000);
      expect(store.fetched).toEqual(keys);
      const { evictions } = cache.counts;
      expect(evictions).toBeGreaterThanOrEqual(20);
      expect(cache.counts).toEqual({
        hits: 30,
        misses: 30,
        fetchedBytes: 30_000,
        evictions,
        evictedBytes: evictions * 1000,
      });
    });

    test('never takes a file in use, here or in another instance; afterwards it goes', async () => {
      const store = await remote(
        Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, thousand()])),
      );
      const cache = newCache({ maxBytes: 3_000 });
      const other = newCache({ maxBytes: 3_000 });
      const held = await Promise.all(
        [0, 1, 2, 3, 4].map((n) => (n % 2 ? cache : other).localFile(store, `k${n}`)),
      );
      for (let n = 5; n < 20; n++) (await cache.localFile(store, `k${n}`)).release();
      for (const [n, file] of held.entries()) {
        expect(readFileSync(file.path)).toEqual(Buffer.from(await store.get(`k${n}`)));
        expect(store.fetched.filter((key) => key === `k${n}`)).toHaveLength(1);
      }
      for (const file of held) file.release();
      await other.close();
      (await cache.localFile(store, 'k19')).release();
      await expect.poll(cachedBytes).toBeLessThanOrEqual(3_000);
    });

    test('a lease outlives the eviction of its object', async () => {
      const store = await remote({ x: 'content' });
      const file = await newCache().localFile(store, 'x');
      for (const name of await objectFiles()) await rm(join(directory, 'objects', name));
      expect(read(file)).toBe('content');
    });

    test('idle leases are given up, so that others can evict', async () => {
      const store = await remote({ x: 'content' });
      const file = await newCache({ idleLeaseMs: 20 }).localFile(store, 'x');
      file.release();
      const object = join(directory, 'objects', (await objectFiles())[0]!);
      await expect.poll(async () => (await stat(object)).nlink).toBe(1);
      // Giving up the lease left the recorded time stamp alone.
      expect((await stat(object)).mtimeMs % 1000).toBe(0);
    });

    test('an object above the limit can be used, once at least', async () => {
      const store = await remote({ big: randomBytes(50_000) });
      const cache = newCache({ maxBytes: 1_000 });
      const file = await cache.localFile(store, 'big');
      expect(readFileSync(file.path).length).toBe(50_000);
      file.release();
      await expect.poll(cachedBytes).toBe(0);
    });
  });

  describe('aborts', () => {
    test('one caller may leave, the others still get the file; when all leave, the fetch ends', async () => {
      const store = await remote({ x: randomBytes(300_000), y: randomBytes(300_000) }, { chunkPauseMs: 3 });
      const cache = newCache();
      const leaving = new AbortController();
      const left = cache.localFile(store, 'x', { signal: leaving.signal });
      const staying = cache.localFile(store, 'x');
      await expect.poll(() => store.running).toBe(1);
      leaving.abort();
      await expect(left).rejects.toThrow(CancelledError);
      expect(readFileSync((await staying).path).length).toBe(300_000);
      expect(store.aborted).toBe(0);

      const all = new AbortController();
      const both = [1, 2].map(() => cache.localFile(store, 'y', { signal: all.signal }));
      await expect.poll(() => store.running).toBe(1);
      all.abort();
      for (const one of both) await expect(one).rejects.toThrow(CancelledError);
      await expect.poll(() => store.aborted).toBe(1);
      // A new caller does not inherit the abort.
      expect(readFileSync((await cache.localFile(store, 'y')).path).length).toBe(300_000);
      await expect(cache.localFile(store, 'z', { signal: AbortSignal.abort() })).rejects.toThrow(
        CancelledError,
      );
    });

    test('closing ends fetches and removes leases and unfinished files', async () => {
      const store = await remote({ x: randomBytes(300_000) }, { chunkPauseMs: 5 });
      const cache = newCache();
      const fetching = cache.localFile(store, 'x');
      const ended = expect(fetching).rejects.toThrow();
      await expect.poll(() => store.running).toBe(1);
      await cache.close();
      await ended;
      expect(await readdir(join(directory, 'leases'))).toEqual([]);
      expect(await objectFiles()).toEqual([]);
    });
  });

  test('a link count that other programs raise (a backup) only delays eviction', async () => {
    const store = await remote({ x: 'content', y: 'content' });
    const cache = newCache({ maxBytes: 8 });
    (await cache.localFile(store, 'x')).release();
    await link(join(directory, 'objects', (await objectFiles())[0]!), join(root, 'backup'));
    (await cache.localFile(store, 'y')).release();
    expect(read({ path: join(root, 'backup') })).toBe('content');
  });
});
