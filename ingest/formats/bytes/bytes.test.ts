import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LocalStore } from '../../../lake/store/local-store.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { ahead } from './ahead.ts';
import { withBlockCache } from './block-cache.ts';
import { type ByteSource, memorySource, openSource, sliceSource, storeSource } from './byte-source.ts';
import { textChunks } from './chunks.ts';
import { fileSource } from './file-source.ts';
import { readExtents } from './read-extents.ts';

const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const folder = mkdtempSync(join(tmpdir(), 'runlake-bytes-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Records the requests that reach a source. */
function counting(source: ByteSource): ByteSource & { readonly requests: [number, number][] } {
  const requests: [number, number][] = [];
  return {
    ...source,
    requests,
    read(start, end, signal) {
      requests.push([start, end]);
      return source.read(start, end, signal);
    },
  };
}

const ranges = fc
  .tuple(fc.integer({ min: 0, max: bytes.length }), fc.integer({ min: 0, max: bytes.length }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe('sources', () => {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  const sources: [string, ByteSource][] = [
    ['memory', memorySource(bytes)],
    ['file', fileSource(path, bytes.length)],
    ['slice', sliceSource(memorySource(Uint8Array.of(9, ...bytes, 9)), 1, bytes.length + 1)],
    ['cache', withBlockCache(memorySource(bytes), { blockSize: 256, maxBytes: 2048, readAhead: 1024 })],
    ['large cache', withBlockCache(fileSource(path, bytes.length), { blockSize: 1024, readAhead: 4096 })],
  ];
  it.each(sources)('%s: any range is exactly its bytes, concurrently too', async (_, source) => {
    await fc.assert(
      fc.asyncProperty(fc.array(ranges, { maxLength: 20 }), async (list) => {
        const read = await Promise.all(list.map(([start, end]) => source.read(start, end)));
        expect(read.every((part, i) => Buffer.compare(part, bytes.subarray(...list[i]!)) === 0)).toBe(true);
      }),
    );
    await source.close();
    await source.close();
  });

  it.each(sources)('%s: refuses ranges outside and aborted reads', async (_, source) => {
    await expect(source.read(9_999, 10_001)).rejects.toMatchObject({ subcode: 'TRUNCATED' });
    await expect(source.read(-1, 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(source.read(Number.NaN, 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const signal = AbortSignal.abort();
    if (source !== sources[2]![1])
      await expect(source.read(0, 1, signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await source.close();
  });

  it('a file that became shorter, or is gone, is an error', async () => {
    const short = join(folder, 'short');
    writeFileSync(short, bytes);
    const source = fileSource(short, bytes.length);
    await source.read(0, 10);
    truncateSync(short, 100);
    await expect(source.read(50, 200)).rejects.toMatchObject({ subcode: 'TRUNCATED', byteOffset: 100 });
    await source.close();
    rmSync(short);
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  });
});

/** A store without local files, as S3 is. */
const rangesOnly = (store: ObjectStore): ObjectStore => ({
  uri: store.uri,
  localPath: () => undefined,
  head: (key, options) => store.head(key, options),
  get: (key, options) => store.get(key, options),
  stream: (key, options) => store.stream(key, options),
  put: (key, body, options) => store.put(key, body, options),
  putIfAbsent: (key, body, options) => store.putIfAbsent(key, body, options),
  upload: (key, source, options) => store.upload(key, source, options),
  list: (options) => store.list(options),
  delete: (keys, options) => store.delete(keys, options),
});

describe('objects of a store', () => {
  it('are read by range, or from their file', async () => {
    const store = new LocalStore(folder);
    await store.put('a/b.bin', bytes);
    const remote = rangesOnly(store);
    for (const source of [await openSource(store, 'a/b.bin'), storeSource(remote, 'a/b.bin', bytes.length)]) {
      expect(source).toMatchObject({ name: 'a/b.bin', size: bytes.length });
      expect(Buffer.compare(await source.read(17, 9_000), bytes.subarray(17, 9_000))).toBe(0);
      expect((await source.read(5, 5)).length).toBe(0);
      await source.close();
    }
    await expect(openSource(store, 'none')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(storeSource(remote, 'a/b.bin', 20_000).read(9_000, 11_000)).rejects.toMatchObject({
      subcode: 'TRUNCATED',
    });
  });
});

describe('withBlockCache', () => {
  it('asks once for what several readers want, and not again', async () => {
    const source = counting(memorySource(bytes));
    const cached = withBlockCache(source, { blockSize: 1024, maxBytes: 8192 });
    await Promise.all([cached.read(100, 200), cached.read(150, 1000), cached.read(0, 1)]);
    await cached.read(1000, 1024);
    expect(source.requests).toEqual([[0, 1024]]);
    await cached.read(500, 3000);
    expect(source.requests[1]).toEqual([1024, 3072]);
  });

  it('drops the least recently used blocks', async () => {
    const source = counting(memorySource(bytes));
    const cached = withBlockCache(source, { blockSize: 1024, maxBytes: 2048 });
    for (const block of [0, 1, 0, 2, 0, 1]) await cached.read(block * 1024, block * 1024 + 1);
    expect(source.requests.map(([start]) => start / 1024)).toEqual([0, 1, 2, 1]);
  });

  it('runs ahead of a sequential reader only', async () => {
    const source = counting(memorySource(bytes));
    const options = { blockSize: 256, maxBytes: 8192, readAhead: 2048 };
    const cached = withBlockCache(source, options);
    for (let at = 0; at + 100 <= bytes.length; at += 100) await cached.read(at, at + 100);
    expect(source.requests.length).toBeLessThan(15);
    const jumping = counting(memorySource(bytes));
    const other = withBlockCache(jumping, options);
    for (const at of [9000, 100, 5000, 2000, 7000]) await other.read(at, at + 10);
    expect(jumping.requests.length).toBe(5);
  });

  it('forgets failures, and an abort ends only the wait of its caller', async () => {
    let failures = 1;
    const inner = memorySource(bytes);
    const flaky: ByteSource = {
      ...inner,
      async read(start, end) {
        if (failures-- > 0) throw new Error('once');
        return inner.read(start, end);
      },
    };
    const cached = withBlockCache(flaky, { blockSize: 1024, maxBytes: 8192 });
    await expect(cached.read(0, 5)).rejects.toThrow('once');
    expect(await cached.read(0, 5)).toEqual(bytes.slice(0, 5));
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = withBlockCache(
      { ...inner, read: (s, e) => gate.then(() => inner.read(s, e)) },
      { blockSize: 1024 },
    );
    const controller = new AbortController();
    const first = slow.read(0, 5, controller.signal);
    const second = slow.read(0, 5);
    controller.abort();
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    release();
    expect(await second).toEqual(bytes.slice(0, 5));
  });
});

describe('readExtents', () => {
  it('answers in order, whatever is coalesced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(ranges), fc.nat(500), fc.nat(3000), async (list, maxGap, maxRequest) => {
        const extents = list.map(([start, end]) => ({ start, end }));
        const read = await readExtents(memorySource(bytes), extents, { maxGap, maxRequest, concurrency: 3 });
        expect(read.every((part, i) => Buffer.compare(part, bytes.subarray(...list[i]!)) === 0)).toBe(true);
      }),
    );
  });

  it('joins neighbours and nothing else', async () => {
    const source = counting(memorySource(bytes));
    const extents = [5000, 0, 100, 250, 5100].map((start) => ({ start, end: start + 100 }));
    await readExtents(source, extents, { maxGap: 49, maxRequest: 1000 });
    expect(source.requests).toEqual([
      [0, 200],
      [250, 350],
      [5000, 5200],
    ]);
  });
});

describe('ahead', () => {
  it('keeps order and errors, and returns the inner iterator when left early', async () => {
    let returned = false;
    async function* numbers() {
      try {
        for (let i = 0; i < 5; i++) yield i;
        throw new Error('end');
      } finally {
        returned = true;
      }
    }
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const n of ahead(numbers(), 2)) seen.push(n);
      })(),
    ).rejects.toThrow('end');
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    returned = false;
    for await (const n of ahead(numbers(), 3)) if (n === 1) break;
    expect(returned).toBe(true);
  });
});

describe('textChunks', () => {
  it('closes its input however early one leaves', async () => {
    for (const chunks of [['ab', 'cd'], ['a', 'b', 'cd'], ['']]) {
      for (const wanted of [1, 2, 9]) {
        let closed = false;
        async function* input() {
          try {
            for (const chunk of chunks) yield Buffer.from(chunk);
          } finally {
            closed = true;
          }
        }
        let seen = 0;
        for await (const _ of textChunks(input())) if (++seen === wanted) break;
        expect(closed).toBe(true);
      }
    }
  });
});
