import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../lake/errors.ts';
import { LocalStore } from '../../../lake/store/local-store.ts';
import { type GetOptions, ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import { mutate, seeded } from '../../../test/support/mutate.ts';
import { pythonBytes, pythonHas, pythonLines } from '../../../test/support/python.ts';
import { FormatError } from '../errors.ts';
import { openArray, type ZarrArray } from './array.ts';
import { parseJson } from './json.ts';
import { readGroup } from './metadata.ts';

const root = mkdtempSync(join(tmpdir(), 'runlake-zarr-'));
afterAll(() => rmSync(root, { recursive: true }));

interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
  readonly dtype?: string;
  readonly hex?: string;
  readonly strings?: readonly string[];
}

// Written by the Zarr library of Python: see testing.py.
const MODULES = ['numpy', 'numcodecs', 'zarr', 'zstandard'];
const testing = fileURLToPath(new URL('./testing.py', import.meta.url));
const cases = pythonLines(MODULES, [testing, root]).map((line): Case => JSON.parse(line));
const store = new LocalStore(root);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Elements of a box of the expected array, from its definition. */
function expectedBox(c: Case, box: readonly { start: number; end: number }[]): unknown[] {
  const width = c.hex === undefined ? 0 : c.hex.length / c.shape.reduce((a, b) => a * b, 1);
  const out: unknown[] = [];
  const walk = (axis: number, index: number): void => {
    if (axis === c.shape.length) {
      out.push(c.strings?.[index] ?? c.hex?.slice(index * width, (index + 1) * width));
      return;
    }
    for (let i = box[axis]!.start; i < box[axis]!.end; i++) walk(axis + 1, index * c.shape[axis]! + i);
  };
  walk(0, 0);
  return out;
}

const readBox = async (array: ZarrArray, c: Case, box: readonly { start: number; end: number }[]) =>
  c.strings === undefined
    ? hex((await array.readRegion(box)).toBytes())
    : (await array.readStrings(box)).join('|');

describe.skipIf(!pythonHas(...MODULES))('Zarr arrays written by Python', () => {
  it.each(cases)('$name', async (c) => {
    const array = await openArray(store, c.name);
    expect(array.shape).toEqual(c.shape);
    expect(array.metadata.encoding.chunkShape).toEqual(c.chunks);
    expect(array.dtype).toBe(c.dtype);
    if (c.strings !== undefined) expect(await array.readStrings([])).toEqual(c.strings);
    else expect(hex((await array.readRegion([])).toBytes())).toBe(c.hex);
  });

  it('any box of any array', async () => {
    const boxed = cases.filter((c) => c.shape.length > 0 && !c.shape.includes(0));
    const box = fc
      .constantFrom(...boxed)
      .chain((c) =>
        fc.tuple(
          fc.constant(c),
          fc.tuple(
            ...c.shape.map((extent) =>
              fc
                .tuple(fc.nat(extent), fc.nat(extent))
                .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
            ),
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(box, async ([c, ranges]) => {
        const array = await openArray(store, c.name, { cacheBytes: 500 });
        const expected = expectedBox(c, ranges);
        expect(await readBox(array, c, ranges)).toBe(expected.join(c.strings === undefined ? '' : '|'));
      }),
      { numRuns: 300 },
    );
  });

  it('streams rows in bounded blocks, in order, without gaps', async () => {
    for (const name of ['v2-f2-False', 'v3-zstd', 'v3-shards', 'v2-fill-nan']) {
      const c = cases.find((candidate) => candidate.name === name)!;
      const array = await openArray(store, name);
      const rowBytes = c.hex!.length / 2 / 7;
      for (const [maxBytes, most] of [
        [1, 1],
        [rowBytes * 2, 2],
        [rowBytes * 4, 4],
        [rowBytes * 100, 7],
      ] as const) {
        let all = '';
        let next = 0;
        for await (const { start, rows } of array.rowBlocks({ maxBytes })) {
          expect(start).toBe(next);
          expect(rows.shape[0]).toBeLessThanOrEqual(most);
          next += rows.shape[0]!;
          all += hex(rows.toBytes());
        }
        expect(all).toBe(c.hex);
      }
    }
  });

  it('reads groups', async () => {
    expect(await readGroup(store, 'group')).toEqual({
      zarrFormat: 2,
      attributes: { schema_version: 'zarr-v1', nan: 'NaN' },
    });
    expect(await readGroup(store, 'group3')).toEqual({ zarrFormat: 3, attributes: { a: [1, 2] } });
    expect(await readGroup(store, 'v3-zstd')).toBeUndefined();
  });

  it('says what it does not read', async () => {
    for (const [name, what] of [
      ['refused-blosc', /compressor blosc/],
      ['refused-delta', /filter delta/],
      ['refused-complex', /complex64/],
    ] as const) {
      const error = await openArray(store, name).catch((e: unknown) => e);
      expect(error).toMatchObject({ subcode: 'UNSUPPORTED', message: expect.stringMatching(what) });
    }
    await expect(openArray(store, 'nothing')).rejects.toBeInstanceOf(ObjectNotFoundError);
  });
});

/** Objects in memory, counting what is read. */
function memoryStore(objects: ReadonlyMap<string, Uint8Array>) {
  const reads: { key: string; bytes: number }[] = [];
  const never = () => Promise.reject(new Error('not part of reading'));
  const memory: ObjectStore = {
    uri: 'memory:',
    localPath: () => undefined,
    async head(key) {
      const body = objects.get(key);
      return body === undefined ? undefined : { key, size: body.length, modified: new Date(0) };
    },
    async get(key, { range, signal }: GetOptions = {}) {
      if (signal?.aborted) throw new CancelledError('reading');
      const body = objects.get(key);
      if (body === undefined) throw new ObjectNotFoundError('memory:', key);
      const bytes = range === undefined ? body : body.slice(range.start, range.end);
      reads.push({ key, bytes: bytes.length });
      return bytes;
    },
    async *stream() {},
    put: never,
    putIfAbsent: never,
    upload: never,
    async *list() {},
    delete: never,
  };
  return { store: memory, reads };
}

const json = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
const v2 = (over: Record<string, unknown>) =>
  json({
    zarr_format: 2,
    shape: [4],
    chunks: [2],
    dtype: '<f4',
    compressor: null,
    fill_value: 0,
    order: 'C',
    filters: null,
    ...over,
  });

describe.skipIf(!pythonHas(...MODULES))('bounds', () => {
  it('reads only the wanted bytes of a large uncompressed chunk', async () => {
    const chunk = new Uint8Array(64 * 40_000 * 4);
    const view = new Float32Array(chunk.buffer);
    for (let i = 0; i < view.length; i++) view[i] = i;
    const memory = memoryStore(
      new Map([
        ['a/.zarray', v2({ shape: [64, 40_000], chunks: [64, 40_000] })],
        ['a/0.0', chunk],
      ]),
    );
    const array = await openArray(memory.store, 'a');
    const column = await array.readRegion([
      { start: 10, end: 30 },
      { start: 7, end: 9 },
    ]);
    expect([...column.toFloat32().subarray(0, 4)]).toEqual([400_007, 400_008, 440_007, 440_008]);
    const row = await array.readRegion([{ start: 63, end: 64 }]);
    expect(row.toFloat32()[39_999]).toBe(64 * 40_000 - 1);
    const bytes = memory.reads.filter((read) => read.key === 'a/0.0').map((read) => read.bytes);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(1024 * 1024);
  });

  it('refuses what would need too much memory or time', async () => {
    const zstdBomb = new Uint8Array(
      pythonBytes([
        '-c',
        'import sys, zstandard; sys.stdout.buffer.write(zstandard.ZstdCompressor(level=19).compress(bytes(50_000_000)))',
      ]),
    );
    const open = (over: Record<string, unknown>, chunk?: Uint8Array) =>
      openArray(
        memoryStore(new Map([['a/.zarray', v2(over)], ...(chunk ? [['a/0', chunk] as const] : [])])).store,
        'a',
      );
    const subcode = (run: Promise<unknown>) =>
      run.then(
        () => 'read',
        (error: unknown) => (error instanceof FormatError ? error.subcode : error),
      );
    const all = async (array: Promise<ZarrArray>) => (await array).readRegion([]);
    expect(await subcode(all(open({ compressor: { id: 'zstd' } }, zstdBomb)))).toBe('LIMIT');
    expect(await subcode(all(open({ shape: [2 ** 40] })))).toBe('LIMIT');
    expect(await subcode(all(open({ shape: [2 ** 53] })))).toBe('ZARR_CORRUPT');
    expect(await subcode(all(open({ shape: [2 ** 27], chunks: [1] })))).toBe('LIMIT');
    expect(
      await subcode(
        all(open({ shape: [10], chunks: [2 ** 40], compressor: { id: 'zlib' } }, new Uint8Array(3))),
      ),
    ).toBe('LIMIT');
    expect(await subcode(all(open({}, new Uint8Array(7))))).toBe('TRUNCATED');
    expect(await subcode(all(open({}, new Uint8Array(9))))).toBe('ZARR_CORRUPT');
    expect(await subcode(all(open({ compressor: { id: 'gzip' } }, new Uint8Array(9))))).toBe('CODEC_CORRUPT');
    expect(await subcode(all(open({ order: 'X' })))).toBe('ZARR_CORRUPT');
    expect(await subcode(all(open({ chunks: [0] })))).toBe('ZARR_CORRUPT');
  });

  it('stops when it is aborted', async () => {
    const { store: memory } = memoryStore(new Map([['a/.zarray', v2({ shape: [1000], chunks: [1] })]]));
    const array = await openArray(memory, 'a');
    const signal = AbortSignal.abort();
    await expect(array.readRegion([], { signal })).rejects.toBeInstanceOf(CancelledError);
    await expect(array.rowBlocks({ signal }).next()).rejects.toBeInstanceOf(CancelledError);
  });

  it('survives 10,000 damaged stores', async () => {
    const trees = cases.map((c) => {
      const objects = new Map<string, Uint8Array>();
      for (const entry of readdirSync(join(root, c.name), { recursive: true }).map(String)) {
        const path = join(root, c.name, entry);
        if (statSync(path).isFile()) objects.set(`a/${entry}`, new Uint8Array(readFileSync(path)));
      }
      return { c, objects, keys: [...objects.keys()] };
    });
    const random = seeded(99);
    for (let i = 0; i < 10_000; i++) {
      const { c, objects, keys } = trees[i % trees.length]!;
      const isMetadata = (key: string) => /\.zarray$|zarr\.json$/.test(key);
      const pool = random() < 0.5 ? keys.filter(isMetadata) : keys;
      const target = pool[Math.floor(random() * pool.length)]!;
      const damaged = new Map(objects).set(target, mutate(objects.get(target)!, random));
      const started = performance.now();
      try {
        const array = await openArray(memoryStore(damaged).store, 'a', {
          maxBytes: 4_000_000,
          maxChunkBytes: 4_000_000,
        });
        if (array.shape.reduce((a, b) => a * b, 1) > 100_000) continue;
        if (c.strings === undefined) (await array.readRegion([])).toFloat32();
        else await array.readStrings([]);
      } catch (error) {
        const expected = error instanceof FormatError || error instanceof ObjectNotFoundError;
        if (!expected) expect([c.name, target, error]).toEqual([c.name, target, 'a FormatError']);
      }
      expect(performance.now() - started).toBeLessThan(30_000);
    }
  });
});

describe('parseJson', () => {
  it('keeps bare NaN and infinities apart from text', () => {
    const text = '{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \\" NaN", "d": "-Infinity"}';
    expect(parseJson('k', new Uint8Array(Buffer.from(text)))).toEqual({
      a: 'NaN',
      b: ['-Infinity', 'Infinity'],
      c: 'NaN " NaN',
      d: '-Infinity',
    });
    expect(() => parseJson('k', new Uint8Array(Buffer.from('{"a": nan}')))).toThrow(FormatError);
  });
});
