import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { type ByteSource, memorySource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { type LmdbDatabase, openLmdb } from './environment.ts';
import { LmdbError } from './layout.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const sizes = [1024, 8192, 16384, 32768] as const;
const store = (size: (typeof sizes)[number]): Uint8Array =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`${size}.mdb.gz`, fixtures))));

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

async function rows(database: LmdbDatabase): Promise<[string, string, number][]> {
  const out: [string, string, number][] = [];
  for await (const { key, value } of database.entries()) {
    const bytes = value instanceof Uint8Array ? value : await value.read(0, value.size);
    out.push([
      Buffer.from(key).toString('hex'),
      createHash('sha256').update(bytes).digest('hex'),
      bytes.length,
    ]);
  }
  return out;
}

/** Reads all there is in a store. */
async function readAll(bytes: Uint8Array): Promise<number> {
  const environment = await openLmdb(memorySource(bytes));
  let count = 0;
  for await (const window of environment.main.windows({ lazyAbove: 10_000 })) {
    for (const { value } of window)
      count += value instanceof Uint8Array ? 1 : (await value.read(0, value.size)).length;
  }
  for (const name of await environment.databaseNames()) {
    for await (const window of (await environment.database(name)).windows()) count += window.length;
  }
  return count;
}

async function errorOf(bytes: Uint8Array): Promise<LmdbError> {
  const error = await readAll(bytes).then(
    (count) => new Error(`read ${count} entries`),
    (error: unknown) => error,
  );
  if (error instanceof LmdbError) return error;
  throw error;
}

/** The offset of the meta page in force. */
function currentMeta(bytes: Uint8Array, pageSize: number): number {
  const data = view(bytes);
  return data.getBigUint64(16 + 128, true) >= data.getBigUint64(pageSize + 16 + 128, true) ? 0 : pageSize;
}

/** The first page with these flags, as an offset. */
function pageWith(bytes: Uint8Array, pageSize: number, flags: number): number {
  for (let at = 2 * pageSize; at < bytes.length; at += pageSize) {
    const number = Number(view(bytes).getBigUint64(at, true));
    if (number * pageSize === at && view(bytes).getUint16(at + 10, true) === flags) return at;
  }
  throw new Error('no such page');
}

describe('stores of other page sizes', () => {
  it.each(sizes)('reads pages of %i bytes', async (size) => {
    interface Golden {
      page_sizes: {
        databases: Record<
          string,
          { stat: { psize: number; entries: number; depth: number }; entries: string }
        >;
      };
    }
    const golden: Golden = JSON.parse(readFileSync(new URL(`${size}.json`, fixtures), 'utf8'));
    const environment = await openLmdb(memorySource(store(size)));
    for (const [name, { stat, entries }] of Object.entries(golden.page_sizes.databases)) {
      const database = name === '' ? environment.main : await environment.database(name);
      expect(database.stat).toMatchObject({ pageSize: stat.psize, depth: stat.depth, entries: stat.entries });
      const found = JSON.stringify(await rows(database));
      expect(createHash('sha256').update(found).digest('hex')).toBe(entries);
    }
  });
});

describe('damaged stores', () => {
  it('falls back to the older snapshot with a warning when the newer meta page is damaged', async () => {
    for (const size of sizes) {
      const bytes = store(size);
      const intact = await openLmdb(memorySource(bytes));
      view(bytes).setUint32(currentMeta(bytes, size) + 16, 0xdeadbeef, true);
      const older = await openLmdb(memorySource(bytes));
      expect(older.txnId).toBe(intact.txnId - 1);
      expect(older.pageSize).toBe(size);
      expect(older.warnings).toHaveLength(1);
      expect(intact.warnings).toEqual([]);
    }
  });

  it('refuses what is no store, or one of another layout, and says so', async () => {
    expect(await errorOf(new Uint8Array(0))).toMatchObject({ subcode: 'TRUNCATED' });
    expect(await errorOf(new Uint8Array(100_000))).toMatchObject({ subcode: 'LMDB_CORRUPT', page: 0 });
    const bits32 = new Uint8Array(16384);
    view(bits32).setUint32(12, 0xbeefc0de, true);
    const error = await errorOf(bits32);
    expect(error.subcode).toBe('LMDB_UNSUPPORTED');
    expect(error.message).toContain('32-bit');
    const swapped = new Uint8Array(16384);
    view(swapped).setUint32(16, 0xbeefc0de, false);
    expect((await errorOf(swapped)).message).toContain('big-endian');
    const newer = store(8192);
    view(newer).setUint32(20, 2, true);
    expect((await errorOf(newer)).message).toContain('data format 2');
  });

  it('names the page that is wrong', async () => {
    const size = 1024;
    const leaf = pageWith(store(size), size, 2);
    const cases: [string, (data: DataView, bytes: Uint8Array) => void][] = [
      ['it says that it is page', (data) => data.setBigUint64(leaf, 7n, true)],
      ['expected a leaf page', (data) => data.setUint16(leaf + 10, 1, true)],
      ['node table', (data) => data.setUint16(leaf + 12, 9999, true)],
      ['an empty leaf', (data) => data.setUint16(leaf + 12, 16, true)],
      ['node 0 is at', (data) => data.setUint16(leaf + 16, 5000, true)],
      ['leaves the page', (data) => data.setUint16(leaf + data.getUint16(leaf + 16, true) + 6, 60000, true)],
      ['out of order', (data) => data.setUint16(leaf + 18, data.getUint16(leaf + 16, true), true)],
    ];
    for (const [message, damage] of cases) {
      const bytes = store(size);
      damage(view(bytes), bytes);
      const error = await errorOf(bytes);
      expect(error.message).toContain(message);
      expect(error).toMatchObject({ subcode: 'LMDB_CORRUPT', page: leaf / size, where: { file: 'memory' } });
    }
  });

  it('compares the entries it walked with the record', async () => {
    for (const change of [1n, -1n]) {
      const bytes = store(8192);
      const at = currentMeta(bytes, 8192) + 16 + 24 + 48 + 32;
      view(bytes).setBigUint64(at, view(bytes).getBigUint64(at, true) + change, true);
      expect((await errorOf(bytes)).message).toMatch(/entries/);
    }
  });

  it('ends on a branch page that leads back to itself, a shared subtree, and impossible depths', async () => {
    const size = 1024;
    const whole = store(size);
    const branch = pageWith(whole, size, 1);
    const node = (bytes: Uint8Array, i: number) => branch + view(bytes).getUint16(branch + 16 + 2 * i, true);
    const loop = store(size);
    view(loop).setUint32(node(loop, 0), branch / size, true);
    expect((await errorOf(loop)).subcode).toBe('LMDB_CORRUPT');
    const shared = store(size);
    view(shared).setUint32(node(shared, 1), view(shared).getUint32(node(shared, 0), true), true);
    expect((await errorOf(shared)).subcode).toBe('LMDB_CORRUPT');
    const deep = store(size);
    for (const meta of [0, size]) view(deep).setUint16(meta + 16 + 24 + 48 + 6, 33, true);
    expect((await errorOf(deep)).message).toContain('depth');
  });

  it('stops when the store changes under a scan', async () => {
    const bytes = store(8192);
    const { main } = await openLmdb(memorySource(bytes));
    const scan = main.entries();
    await scan.next();
    const meta = currentMeta(bytes, 8192);
    const other = meta === 0 ? 8192 : 0;
    const txn = view(bytes).getBigUint64(meta + 16 + 128, true);
    bytes.copyWithin(other, meta, meta + 200);
    view(bytes).setBigUint64(other + 16 + 128, txn + 1n, true);
    await expect(
      (async () => {
        for await (const _ of scan);
      })(),
    ).rejects.toMatchObject({ subcode: 'LMDB_CHANGED' });
  });

  it('is refused, not suffered: 10,000 damaged stores', async () => {
    const tiny = new Uint8Array(gunzipSync(readFileSync(new URL('tiny.mdb.gz', fixtures))));
    const pages = tiny.length / 1024;
    // Values are most of a file; the headers and node tables of its pages are where damage hurts.
    const headers = (random: () => number): [number, number] => {
      const start = Math.floor(random() * pages) * 1024;
      return [start, start + (start < 2048 ? 160 : 64)];
    };
    const everywhere = {
      seeds: [tiny],
      isExpected: (error: unknown) => error instanceof FormatError,
      attempt: readAll,
    };
    expect(await fuzz({ ...everywhere, seed: 31, count: 3000 })).toBeUndefined();
    expect(await fuzz({ ...everywhere, seed: 32, count: 7000, focus: headers })).toBeUndefined();
  });
});

it('reads by range with few requests and stops early without reading the store', async () => {
  const whole = memorySource(store(1024));
  let requests = 0;
  let bytesRead = 0;
  const counting: ByteSource = {
    ...whole,
    read(start, end, signal) {
      requests++;
      bytesRead += end - start;
      return whole.read(start, end, signal);
    },
  };
  const { main } = await openLmdb(counting);
  const first = main.entries();
  await first.next();
  await first.return(undefined);
  requests = 0;
  bytesRead = 0;
  expect((await rows(main)).length).toBe(main.stat.entries);
  expect(requests).toBeLessThan(20);
  expect(bytesRead).toBeLessThan(2 * whole.size);
  await expect(main.entries({ signal: AbortSignal.abort() }).next()).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});
