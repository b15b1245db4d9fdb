import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CancelledError, InvalidArgumentError } from '../errors.ts';
import { type ObjectInfo, ObjectNotFoundError, type ObjectStore } from './object-store.ts';

export interface ContractSubject {
  /** Several handles on one empty store, as several processes would have. */
  readonly stores: readonly [ObjectStore, ObjectStore];
  /** A size that needs more than three parts. */
  readonly manyPartsBytes: number;
  /** How many keys need several pages of a listing. */
  readonly severalPages: number;
  /** How many random key sets to list. */
  readonly propertyRuns: number;
  readonly close: () => Promise<void>;
}

const text = (value: string) => new TextEncoder().encode(value);

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function collectBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(chunks));
}

const keysOf = async (items: AsyncIterable<ObjectInfo>) => (await collect(items)).map((item) => item.key);

/** Keys that break naive path, URL or XML handling. */
export const oddKeys = [
  'a b+c%20d:é/x',
  'a&b<>"',
  "a'(b)*!~",
  'back\\slash',
  'q?x#y',
  'tab\tnew\nline\u0001',
  '..a/...',
  '.hidden/_x',
  '%2e%2e/%2F',
  'run=run%20a/part-0.parquet',
  '\u{1F600}/e',
  '\uFFEE/e',
  '日本/語',
  'e\u0301',
];

/** What every `ObjectStore` does; run it for each implementation. */
export function describeObjectStore(name: string, open: () => Promise<ContractSubject>): void {
  describe(`${name} keeps the contract of an object store`, () => {
    let subject: ContractSubject;
    let store: ObjectStore;
    let other: ObjectStore;
    let folder: string;

    beforeAll(async () => {
      subject = await open();
      [store, other] = subject.stores;
      folder = await mkdtemp(join(tmpdir(), 'runlake-contract-'));
    });
    afterAll(async () => {
      await subject?.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** A fresh part of the key space for one test. */
    const fresh = () => `t-${randomUUID()}/`;

    test('an absent object is undefined, an error, or nothing to delete', async () => {
      const key = `${fresh()}none`;
      expect(await store.head(key)).toBeUndefined();
      await expect(store.get(key)).rejects.toThrow(ObjectNotFoundError);
      await expect(store.get(key, { range: { start: 0, end: 5 } })).rejects.toThrow(ObjectNotFoundError);
      await expect(store.get(key, { range: { start: 3, end: 3 } })).rejects.toThrow(ObjectNotFoundError);
      await expect(collectBytes(store.stream(key))).rejects.toThrow(ObjectNotFoundError);
      await store.delete([key, `${key}/below`]);
      await store.delete([]);
      expect(await keysOf(store.list({ prefix: key }))).toEqual([]);
    });

    test('put creates and replaces; the other handle sees it at once', async () => {
      const key = `${fresh()}a/b`;
      const before = Date.now();
      await store.put(key, text('one'));
      expect(await other.get(key)).toEqual(text('one'));
      await other.put(key, text('second'));
      expect(Buffer.from(await store.get(key)).toString()).toBe('second');
      const info = await store.head(key);
      expect(info).toMatchObject({ key, size: 6 });
      // S3 reports whole seconds.
      expect(info!.modified.getTime()).toBeGreaterThan(before - 2_000);
      expect(info!.modified.getTime()).toBeLessThan(Date.now() + 2_000);
      await store.put(key, new Uint8Array(0));
      expect(await other.head(key)).toMatchObject({ size: 0 });
      expect((await other.get(key)).length).toBe(0);
      expect((await collectBytes(other.stream(key))).length).toBe(0);
    });

    test('ranges: inside, past the end, empty, of an empty object, impossible', async () => {
      const folderKey = fresh();
      const key = `${folderKey}digits`;
      await store.put(key, text('0123456789'));
      await store.put(`${folderKey}empty`, new Uint8Array(0));
      const read = async (start: number, end: number, at = key) => {
        const whole = Buffer.from(await store.get(at, { range: { start, end } })).toString();
        expect((await collectBytes(store.stream(at, { range: { start, end } }))).toString()).toBe(whole);
        return whole;
      };
      expect(await read(2, 5)).toBe('234');
      expect(await read(0, 1)).toBe('0');
      expect(await read(9, 10)).toBe('9');
      expect(await read(7, 1_000_000)).toBe('789');
      expect(await read(7, Number.POSITIVE_INFINITY)).toBe('789');
      expect(await read(4, 4)).toBe('');
      expect(await read(10, 20)).toBe('');
      expect(await read(500, 600)).toBe('');
      expect(await read(0, 10, `${folderKey}empty`)).toBe('');
      for (const [start, end] of [
        [-1, 3],
        [5, 4],
        [0.5, 2],
        [Number.NaN, 2],
      ] as const) {
        await expect(store.get(key, { range: { start, end } })).rejects.toThrow(InvalidArgumentError);
      }
    });

    test('keys that would leave the store or name an object twice are refused everywhere', async () => {
      const bad = [
        '',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        '../a',
        'a/../b',
        'a/./b',
        'a\0b',
        'x\ud800',
        '.runlake-tmp/x',
      ];
      for (const key of bad) {
        await expect(store.head(key), key).rejects.toThrow(InvalidArgumentError);
        await expect(store.get(key), key).rejects.toThrow(InvalidArgumentError);
        await expect(collectBytes(store.stream(key)), key).rejects.toThrow(InvalidArgumentError);
        await expect(store.put(key, text('x')), key).rejects.toThrow(InvalidArgumentError);
        await expect(store.putIfAbsent(key, text('x')), key).rejects.toThrow(InvalidArgumentError);
        await expect(store.upload(key, text('x')), key).rejects.toThrow(InvalidArgumentError);
        await expect(store.delete([key]), key).rejects.toThrow(InvalidArgumentError);
      }
      for (const prefix of ['../', '/', 'a//', './'])
        expect(await keysOf(store.list({ prefix }))).toEqual([]);
    });

    test('odd keys are stored, listed, read and deleted as they are', async () => {
      const base = fresh();
      await Promise.all(oddKeys.map((key) => store.put(base + key, text(key))));
      const expected = oddKeys
        .map((key) => base + key)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(other.list({ prefix: base }))).toEqual(expected);
      for (const [i, key] of expected.entries()) {
        expect(Buffer.from(await other.get(key)).toString()).toBe(key.slice(base.length));
        expect(await keysOf(other.list({ prefix: base, after: key }))).toEqual(expected.slice(i + 1));
        expect(await keysOf(other.list({ prefix: key }))).toEqual(expected.filter((k) => k.startsWith(key)));
      }
      await other.delete(expected);
      expect(await keysOf(store.list({ prefix: base }))).toEqual([]);
    });

    test('of many writers of one key exactly one creates it, and its bytes stay', async () => {
      for (let round = 0; round < 5; round++) {
        const key = `${fresh()}_delta_log/0.json`;
        const writers = Array.from({ length: 16 }, (_, n) => ({
          handle: n % 2 === 0 ? store : other,
          body: text(`writer ${n} of round ${round}`),
        }));
        const won = await Promise.all(writers.map(({ handle, body }) => handle.putIfAbsent(key, body)));
        expect(won.filter(Boolean)).toHaveLength(1);
        const winner = writers[won.indexOf(true)]!;
        expect(Buffer.from(await store.get(key))).toEqual(Buffer.from(winner.body));
        expect(await other.putIfAbsent(key, text('late'))).toBe(false);
        expect(Buffer.from(await store.get(key))).toEqual(Buffer.from(winner.body));
      }
    });

    test('a deleted key is free again', async () => {
      const key = `${fresh()}a/b/c`;
      expect(await store.putIfAbsent(key, text('1'))).toBe(true);
      await other.delete([key]);
      expect(await store.head(key)).toBeUndefined();
      expect(await store.putIfAbsent(key, text('2'))).toBe(true);
    });

    test('deletes and creations in one directory do not disturb each other', async () => {
      const base = fresh();
      const works = Array.from({ length: 12 }, async (_, n) => {
        for (let i = 0; i < 4; i++) {
          const key = `${base}deep/er/${n}-${i}`;
          expect(await (n % 2 === 0 ? store : other).putIfAbsent(key, text(key))).toBe(true);
          await store.delete([key]);
        }
      });
      await Promise.all(works);
      expect(await keysOf(store.list({ prefix: base }))).toEqual([]);
    });

    test('uploads from memory, a file and a stream arrive whole, of any size', async () => {
      const base = fresh();
      const large = randomBytes(subject.manyPartsBytes);
      for (const [n, bytes] of [new Uint8Array(0), text('small'), large].entries()) {
        const file = join(folder, `source-${n}`);
        await writeFile(file, bytes);
        async function* chunks() {
          // One buffer for all chunks, as native readers do.
          const reused = new Uint8Array(700_001);
          for (let at = 0; at < bytes.length; at += reused.length) {
            const length = Math.min(reused.length, bytes.length - at);
            reused.set(bytes.subarray(at, at + length));
            yield reused.subarray(0, length);
            yield new Uint8Array(0);
          }
        }
        for (const [kind, source] of [
          ['memory', bytes],
          ['file', { file }],
          ['stream', chunks()],
        ] as const) {
          const key = `${base}${kind}-${n}`;
          expect(await store.upload(key, source)).toBe(bytes.length);
          expect(Buffer.compare(await collectBytes(other.stream(key)), bytes)).toBe(0);
        }
      }
      const range = { start: 1_000_001, end: large.length - 3 };
      const expected = large.subarray(range.start, range.end);
      expect(Buffer.compare(await collectBytes(store.stream(`${base}file-2`, { range })), expected)).toBe(0);
      expect(Buffer.compare(await store.get(`${base}file-2`, { range }), expected)).toBe(0);
    });

    test('a failing or aborted upload leaves the old object and nothing else', async () => {
      const base = fresh();
      const key = `${base}x`;
      await store.put(key, text('old'));
      const failure = new Error('the source broke');
      async function* broken() {
        yield randomBytes(subject.manyPartsBytes - 100);
        throw failure;
      }
      await expect(store.upload(key, broken())).rejects.toBe(failure);
      const controller = new AbortController();
      async function* endless() {
        for (let sent = 0; ; sent += 1) {
          yield randomBytes(1 << 20);
          if (sent === 12) controller.abort();
        }
      }
      await expect(store.upload(key, endless(), { signal: controller.signal })).rejects.toThrow(
        CancelledError,
      );
      await expect(store.upload(key, { file: join(folder, 'missing') })).rejects.toThrow(/missing/);
      expect(Buffer.from(await store.get(key)).toString()).toBe('old');
      expect(await keysOf(store.list({ prefix: base }))).toEqual([key]);
    });

    test('every call honours an aborted signal', async () => {
      const key = `${fresh()}x`;
      await store.put(key, text('x'));
      const signal = AbortSignal.abort();
      await expect(store.head(key, { signal })).rejects.toThrow(CancelledError);
      await expect(store.get(key, { signal })).rejects.toThrow(CancelledError);
      await expect(collectBytes(store.stream(key, { signal }))).rejects.toThrow(CancelledError);
      await expect(store.put(key, text('y'), { signal })).rejects.toThrow(CancelledError);
      await expect(store.putIfAbsent(`${key}2`, text('y'), { signal })).rejects.toThrow(CancelledError);
      await expect(store.upload(key, text('y'), { signal })).rejects.toThrow(CancelledError);
      await expect(collect(store.list({ signal }))).rejects.toThrow(CancelledError);
      await expect(store.delete([key], { signal })).rejects.toThrow(CancelledError);
      expect(Buffer.from(await store.get(key)).toString()).toBe('x');
      expect(await store.head(`${key}2`)).toBeUndefined();
    });

    test('a stream can be aborted or left in the middle, and its chunks used up one by one', async () => {
      const key = `${fresh()}large`;
      await store.put(key, randomBytes(subject.manyPartsBytes));
      const controller = new AbortController();
      const read = async () => {
        for await (const _ of store.stream(key, { signal: controller.signal })) controller.abort();
      };
      await expect(read()).rejects.toThrow(CancelledError);
      for await (const chunk of store.stream(key)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      const copies: Uint8Array[] = [];
      for await (const chunk of store.stream(key, { transient: true })) copies.push(Uint8Array.from(chunk));
      expect(Buffer.compare(Buffer.concat(copies), await store.get(key))).toBe(0);
    });

    test('big listings come complete and in order, after any key', async () => {
      const base = fresh();
      const keys = Array.from({ length: subject.severalPages }, (_, n) => `${base}d${n % 7}/f-${n}`);
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((key) => store.put(key, text(key))));
      }
      keys.sort();
      const listed = await collect(store.list({ prefix: base }));
      expect(listed.map((info) => info.key)).toEqual(keys);
      expect(listed.every((info) => info.size === info.key.length)).toBe(true);
      const middle = keys[Math.floor(keys.length / 2)]!;
      expect(await keysOf(store.list({ prefix: base, after: middle }))).toEqual(
        keys.filter((key) => key > middle),
      );
      expect(await keysOf(store.list({ prefix: `${base}d3/` }))).toEqual(
        keys.filter((key) => key.startsWith(`${base}d3/`)),
      );
      for await (const first of store.list({ prefix: base })) {
        expect(first.key).toBe(keys[0]);
        break;
      }
      await store.delete(keys);
      expect(await keysOf(store.list({ prefix: base }))).toEqual([]);
    });

    test('listings agree with a sorted list of the keys, whatever the keys, prefix and start', async () => {
      const segment = fc
        .string({
          unit: fc.constantFrom('a', 'b', '-', '.', '0', '_', 'é', '\uFFEE', '\u{1F600}'),
          minLength: 1,
          maxLength: 3,
        })
        .filter((s) => s !== '.' && s !== '..');
      const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
      const cut = (s: string, n: number) => Array.from(s).slice(0, n).join('');
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(key, { minLength: 1, maxLength: 12 }),
          fc.nat({ max: 6 }),
          fc.option(
            fc.oneof(
              key,
              segment.map((s) => `${s}/`),
            ),
            { nil: undefined },
          ),
          fc.nat(),
          async (drawn, prefixLength, otherAfter, pick) => {
            // A directory store cannot hold both a and a/b.
            const keys = drawn.filter((k) => !drawn.some((d) => d.startsWith(`${k}/`)));
            const base = fresh();
            await Promise.all(keys.map((k) => store.put(base + k, text(k))));
            const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
            const prefix = cut(keys[pick % keys.length]!, prefixLength);
            const after = otherAfter ?? keys[(pick + 1) % keys.length]!;
            const later = (k: string) => Buffer.compare(Buffer.from(k), Buffer.from(after)) > 0;
            const list = async (options: { prefix: string; after?: string }) =>
              (await keysOf(store.list(options))).map((k) => k.slice(base.length));
            expect(await list({ prefix: base })).toEqual(inOrder);
            expect(await list({ prefix: base + prefix })).toEqual(
              inOrder.filter((k) => k.startsWith(prefix)),
            );
            expect(await list({ prefix: base + prefix, after: base + after })).toEqual(
              inOrder.filter((k) => k.startsWith(prefix) && later(k)),
            );
            expect(await list({ prefix: base, after: base })).toEqual(inOrder);
            await store.delete(keys.map((k) => base + k));
          },
        ),
        { numRuns: subject.propertyRuns },
      );
    });
  });
}
