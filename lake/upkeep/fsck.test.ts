import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkpointKey, commitKey, lastCheckpointKey } from '../log/log-files.ts';
import { MemoryStore } from '../log/memory-store.test-support.ts';
import { dataKey } from '../log/paths.ts';
import { DeltaTable } from '../log/table.ts';
import type { FsckOptions } from './fsck.ts';
import { fsck } from './fsck.ts';
import { SPEC, Workbench } from './table.test-support.ts';

let bench: Workbench;
let store: MemoryStore;
let table: DeltaTable;
const OLD = Date.now() - 48 * 3_600_000;

beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());
beforeEach(async () => {
  store = new MemoryStore();
  store.now = () => new Date(OLD);
  table = await bench.table(store, { checkpointInterval: 3 });
  for (const ingest of ['a', 'b', 'c', 'd']) await bench.append(table, [ingest], { now: OLD });
});

/** A handle without memory of what the table was before a fault was planted. */
async function check(options: FsckOptions = {}) {
  const { findings, repaired } = await fsck([DeltaTable.open(store, table.root)], options);
  return { findings, codes: findings.map(({ code }) => code), repaired: repaired.map(({ code }) => code) };
}

function text(key: string): string {
  return new TextDecoder().decode(store.objects.get(key)?.body);
}

async function edit(key: string, from: string | RegExp, to: string): Promise<void> {
  const before = text(key);
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  await store.put(key, new TextEncoder().encode(after));
}

/** Edits the commit that came last; no checkpoint holds it. */
const LAST = () => commitKey(table.root, 4);

async function liveKey(ingest: string): Promise<string> {
  const { files } = await table.snapshot();
  for (const [path, file] of files) {
    if (file.tags?.['runlake.ingests'] === JSON.stringify([ingest])) return dataKey(table.root, path);
  }
  throw new Error(`no file of ${ingest}`);
}

test('a sound table has no findings', async () => {
  expect(await check({ isVisible: () => true })).toEqual({ findings: [], codes: [], repaired: [] });
});

test('a table that does not exist has no findings', async () => {
  expect((await fsck([DeltaTable.open(store, 'tables/none')])).findings).toEqual([]);
});

describe('data files', () => {
  test('missing', async () => {
    const key = await liveKey('b');
    store.objects.delete(key);
    const { findings } = await check({ repair: true });
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'FILE_MISSING',
        table: 'tables/things',
        path: key,
        message: 'the data file is not in the store',
        repairable: true,
      },
    ]);
    expect((await check({ repair: true, dropLost: true })).repaired).toEqual(['FILE_MISSING']);
    expect((await check()).codes).toEqual([]);
    expect(await bench.rows(store, await table.snapshot())).toHaveLength(9);
  });

  test('of another size', async () => {
    const key = await liveKey('b');
    await store.put(key, store.objects.get(key)!.body.slice(1));
    expect((await check()).codes).toEqual(['FILE_SIZE']);
  });

  test.each(['footer', 'pages'])('with broken %s', async (where) => {
    const key = await liveKey('b');
    const body = store.objects.get(key)!.body.slice();
    if (where === 'footer') body.fill(0xff, body.length - 60, body.length - 8);
    else body.fill(0xff, 4, 200);
    await store.put(key, body);
    expect((await check()).codes).toEqual(['FILE_UNREADABLE']);
    expect((await check({ data: false })).codes).toEqual(where === 'footer' ? ['FILE_UNREADABLE'] : []);
  });

  test('with other columns than the table', async () => {
    const columns = SPEC.columns.map((c) => (c.name === 'n' ? ({ ...c, type: 'double' } as const) : c));
    const without = columns.filter((c) => c.name !== 'id');
    for (const [spec, expected] of [
      [
        { ...SPEC, columns: without, sortBy: [] },
        ['required column id is missing', /column n is stored as INT64/],
      ],
    ] as const) {
      const other = DeltaTable.open(store, 'tables/other');
      await other.create({ ...SPEC, columns });
      const add = await bench.upload(store, other.root, ['a'], { spec });
      await other.commit({ name: 'WRITE' }, () => ({ add: [add] }));
      const { findings } = await fsck([other]);
      expect(findings.map(({ code }) => code)).toEqual(['FILE_SCHEMA', 'FILE_SCHEMA']);
      findings.forEach(({ message }, i) => {
        expect(message).toMatch(expected[i]!);
      });
    }
  });

  test.each([
    ['ROW_COUNT', /\\"numRecords\\":3/, '\\"numRecords\\":4', /has 3 rows, the log says 4/],
    ['STATS_WRONG', /\\"id\\":\\"00000\\"/, '\\"id\\":\\"00001\\"', /id has values below its minimum/],
    ['STATS_WRONG', /\\"id\\":\\"00002\\"/, '\\"id\\":\\"00001\\"', /id has values above its maximum/],
    ['STATS_WRONG', /9007199254740995/, '9007199254740994', /n has values above its maximum/],
    ['STATS_WRONG', /00:00:02.124Z/, '00:00:02.122Z', /seen has values above its maximum/],
    ['STATS_WRONG', /\\"x\\":1(?=[,}])/, '\\"x\\":0', /x has 1 nulls, the statistics say 0/],
  ] as const)('with statistics that are wrong: %s %s', async (code, from, to, message) => {
    await edit(LAST(), from, to);
    const { findings, codes } = await check();
    expect(codes).toEqual([code]);
    expect(findings[0]!.message).toMatch(message);
    expect((await check({ data: false })).codes).toEqual(code === 'ROW_COUNT' ? [code] : []);
  });

  test('that nothing refers to', async () => {
    await bench.upload(store, table.root, ['lost']);
    store.now = () => new Date();
    const young = await bench.upload(store, table.root, ['running']);
    const { findings } = await check();
    expect(findings).toMatchObject([{ code: 'ORPHAN_OBJECT', severity: 'info', repairable: true }]);
    expect((await check({ repair: true })).repaired).toEqual(['ORPHAN_OBJECT']);
    expect((await check()).codes).toEqual([]);
    expect(store.objects.has(dataKey(table.root, young.path))).toBe(true);
  });

  test('that older versions need are no orphans', async () => {
    await table.commit({ name: 'DELETE' }, ({ files }) => ({ remove: [[...files.values()][0]!] }));
    expect((await check()).codes).toEqual([]);
  });
});

describe('ingests', () => {
  test('that no run names are removed; those that share a file wait for compaction', async () => {
    await bench.append(table, ['e', 'f'], { now: OLD });
    await bench.append(table, ['running'], { now: Date.now() });
    const isVisible = (ingest: string) => !['b', 'f', 'running'].includes(ingest);
    const { findings } = await check({ isVisible });
    expect(findings.map(({ code, repairable }) => [code, repairable])).toEqual([
      ['INVISIBLE_INGEST', true],
      ['INVISIBLE_INGEST', false],
    ]);
    expect((await check({ isVisible, repair: true })).repaired).toEqual(['INVISIBLE_INGEST']);
    const { findings: left } = await check({ isVisible });
    expect(left.map(({ message }) => message)).toEqual([
      'holds rows of f, which no run names; compaction drops their rows',
    ]);
    const rows = await bench.rows(store, await table.snapshot());
    expect(rows.filter((row) => row.includes(', b,'))).toEqual([]);
    expect(rows).toHaveLength(9 + 6 + 3);
  });
});

describe('the log', () => {
  test('without a commit before a checkpoint', async () => {
    store.objects.delete(commitKey(table.root, 2));
    const { findings } = await check();
    expect(findings).toMatchObject([
      { code: 'LOG_GAP', severity: 'warning', path: commitKey(table.root, 2) },
    ]);
  });

  test('without a commit that is needed', async () => {
    await bench.append(table, ['e'], { now: OLD });
    store.objects.delete(LAST());
    expect((await check()).codes).toEqual(['TABLE_UNREADABLE', 'LOG_GAP']);
  });

  test('cleaned up behind a checkpoint is sound', async () => {
    for (const version of [0, 1, 2]) store.objects.delete(commitKey(table.root, version));
    expect((await check()).codes).toEqual([]);
  });

  test('with a commit that cannot be parsed', async () => {
    await edit(commitKey(table.root, 1), '{"add":', '{"add"');
    expect((await check()).codes).toEqual(['COMMIT_INVALID']);
  });

  test('that needs a newer reader', async () => {
    await edit(LAST(), /$/, '{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}\n');
    expect((await check()).codes).toEqual(['TABLE_UNREADABLE']);
  });

  test('with a path twice', async () => {
    const line = text(LAST())
      .split('\n')
      .find((l) => l.startsWith('{"add"'))!;
    await edit(LAST(), /$/, `${line}\n`);
    expect((await check()).codes).toEqual(['DUPLICATE_PATH']);
  });

  test('with a path that was live already', async () => {
    const line = text(commitKey(table.root, 2))
      .split('\n')
      .find((l) => l.startsWith('{"add"'))!;
    await edit(LAST(), /$/, `${line}\n`);
    expect((await check()).codes).toEqual(['DUPLICATE_PATH']);
  });
});

describe('checkpoints', () => {
  test('that cannot be read are written again', async () => {
    await store.put(checkpointKey(table.root, 3), new TextEncoder().encode('PAR1'));
    expect((await check()).codes).toEqual(['CHECKPOINT_UNREADABLE']);
    expect((await check({ repair: true })).repaired).toEqual(['CHECKPOINT_UNREADABLE']);
    expect((await check()).codes).toEqual([]);
    for (const version of [0, 1, 2, 3]) store.objects.delete(commitKey(table.root, version));
    expect(await bench.rows(store, await DeltaTable.open(store, table.root).snapshot())).toHaveLength(12);
  });

  test('that cannot be read and have no commits before them cannot be repaired', async () => {
    await store.put(checkpointKey(table.root, 3), new TextEncoder().encode('PAR1'));
    store.objects.delete(commitKey(table.root, 1));
    expect((await check({ repair: true })).repaired).toEqual([]);
  });

  test('that contradict the commits are written again', async () => {
    const other = await bench.table(new MemoryStore(), { checkpointInterval: 3 });
    for (const ingest of ['x', 'y', 'z']) await bench.append(other, [ingest]);
    const foreign = await other.store.get(checkpointKey(other.root, 3));
    await store.put(checkpointKey(table.root, 3), foreign);
    const { codes } = await check();
    // The wrong checkpoint names files that are not there, and hides the ones that are.
    expect(new Set(codes)).toEqual(new Set(['CHECKPOINT_MISMATCH', 'FILE_MISSING']));
    await check({ repair: true });
    expect((await check()).codes).toEqual([]);
    expect(await bench.rows(store, await DeltaTable.open(store, table.root).snapshot())).toHaveLength(12);
  });

  test.each([
    ['missing', undefined],
    ['unreadable', '{'],
    ['wrong', '{"version":2}'],
  ])('with a hint that is %s', async (_, hint) => {
    const key = lastCheckpointKey(table.root);
    if (hint === undefined) store.objects.delete(key);
    else await store.put(key, new TextEncoder().encode(hint));
    const { findings } = await check();
    expect(findings).toMatchObject([{ code: 'CHECKPOINT_HINT', severity: 'warning', path: key }]);
    expect((await check({ repair: true })).repaired).toEqual(['CHECKPOINT_HINT']);
    expect((await check()).codes).toEqual([]);
  });
});
