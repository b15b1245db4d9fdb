import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileSource } from '../../ingest/formats/bytes/file-source.ts';
import { type LmdbDatabase, openLmdb } from '../../ingest/formats/lmdb/environment.ts';
import type { LmdbValue } from '../../ingest/formats/lmdb/overflow.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { sharedDir } from '../support/shared.ts';

interface Expected {
  readonly size: number;
  readonly databases: Record<
    string,
    {
      readonly stat: Record<
        'psize' | 'depth' | 'branch_pages' | 'leaf_pages' | 'overflow_pages' | 'entries',
        number
      >;
      readonly entries: readonly (readonly [key: string, sha256: string, size: number])[];
    }
  >;
}

const script = fileURLToPath(new URL('./lmdb_cases.py', import.meta.url));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (value: LmdbValue) => (value instanceof Uint8Array ? value : value.read(0, value.size));

async function rows(database: LmdbDatabase, lazyAbove?: number) {
  const out: [string, string, number][] = [];
  for await (const { key, value } of database.entries(lazyAbove === undefined ? {} : { lazyAbove })) {
    const bytes = await bytesOf(value);
    out.push([Buffer.from(key).toString('hex'), sha256(bytes), bytes.length]);
  }
  return out;
}

async function compare(folder: string, name: string, expected: Expected): Promise<void> {
  await compareFile(join(folder, `${name}.mdb`), name, expected);
}

async function compareFile(path: string, name: string, expected: Expected): Promise<void> {
  const source = fileSource(path, expected.size);
  const environment = await openLmdb(source);
  const { '': _, ...named } = expected.databases;
  expect(await environment.databaseNames(), name).toEqual(Object.keys(named));
  for (const [dbName, { stat, entries }] of Object.entries(expected.databases)) {
    const label = `${name} ${dbName}`;
    const database = dbName === '' ? environment.main : await environment.database(dbName);
    expect(database.stat, label).toMatchObject({
      pageSize: stat.psize,
      depth: stat.depth,
      branchPages: stat.branch_pages,
      leafPages: stat.leaf_pages,
      overflowPages: stat.overflow_pages,
      entries: stat.entries,
    });
    expect(await rows(database), label).toEqual(entries);
    const step = Math.max(1, Math.floor(entries.length / 25));
    for (let i = 0; i < entries.length; i += step) {
      const [hex] = entries[i]!;
      const same = entries.filter(([key]) => key === hex);
      const key = Buffer.from(hex, 'hex');
      const values: string[] = [];
      for await (const value of database.values(key)) values.push(sha256(await bytesOf(value)));
      expect(values, label).toEqual(same.map(([, hash]) => hash));
      expect(sha256(await bytesOf((await database.get(key))!)), label).toBe(same[0]![1]);
      const next = database.entries({ after: key });
      const following = entries[entries.indexOf(same[0]!) + same.length];
      const { value: found } = await next.next();
      expect(found && Buffer.from(found.key).toString('hex'), label).toBe(following?.[0]);
      await next.return(undefined);
    }
    expect(await database.get(Buffer.from('no such key 8b1f')), label).toBeUndefined();
  }
  await source.close();
}

describe.skipIf(!pythonHas('lmdb'))('stores that py-lmdb wrote', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlake-lmdb-'));
  let expected: Record<string, Expected> = {};
  beforeAll(async () => {
    await runPython(script, [folder]);
    expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has every entry, look-up, order and statistic of py-lmdb', async () => {
    expect(Object.keys(expected).length).toBeGreaterThan(15);
    expect(expected['long_keys']!.databases['']!.stat.depth).toBeGreaterThan(3);
    for (const [name, store] of Object.entries(expected)) await compare(folder, name, store);
  });

  it('hands out values above the limit by range', async () => {
    const { size, databases } = expected['overflow']!;
    const source = fileSource(join(folder, 'overflow.mdb'), size);
    const { main } = await openLmdb(source);
    expect(await rows(main, 5000)).toEqual(databases['']!.entries);
    let ranges = 0;
    for await (const { value } of main.entries({ lazyAbove: 5000 })) {
      if (value instanceof Uint8Array) continue;
      ranges++;
      const whole = await value.read(0, value.size);
      expect(Buffer.compare(await value.read(17, 4711), whole.subarray(17, 4711))).toBe(0);
    }
    expect(ranges).toBe(databases['']!.entries.filter(([, , length]) => length > 5000).length);
    await source.close();
  });

  it('refuses a cut file, unless the lost pages were free', async () => {
    const outcomes: Record<string, string> = {};
    for (const [name, store] of Object.entries(expected)) {
      const source = fileSource(join(folder, `${name}.mdb`), store.size - 4096);
      const opened = await openLmdb(source).catch((error) => error.subcode as string);
      outcomes[name] = typeof opened === 'string' ? opened : 'whole';
      if (typeof opened !== 'string') {
        for (const [dbName, { entries }] of Object.entries(store.databases)) {
          const database = dbName === '' ? opened.main : await opened.database(dbName);
          expect(await rows(database), name).toEqual(entries);
        }
      }
      await source.close();
    }
    // One transaction wrote these, so nothing in them is free.
    for (const name of ['one', 'small_values', 'long_keys', 'boundary'])
      expect(outcomes[name]).toBe('TRUNCATED');
    expect(Object.values(outcomes)).toContain('whole');
  });

  it('reads random stores with random histories', async () => {
    const random = join(folder, 'random');
    await runPython(script, [random, '--random', '60']);
    const stores: Record<string, Expected> = JSON.parse(readFileSync(join(random, 'expected.json'), 'utf8'));
    for (const [name, store] of Object.entries(stores)) await compare(random, name, store);
  });
});

describe.skipIf(sharedDir === undefined || !pythonHas('lmdb'))('recorded activation stores', () => {
  it('have the entries that py-lmdb reads', async () => {
    const root = join(sharedDir!, 'fixtures/hallulens');
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('data.mdb'))
      .map((path) => join(root, path));
    expect(paths.length).toBeGreaterThan(5);
    const expected: Record<string, Expected> = JSON.parse(await runPython(script, ['--read', ...paths]));
    for (const path of paths) await compareFile(path, path, expected[path]!);
  });
});
