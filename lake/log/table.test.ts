import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { CancelledError } from '../errors.ts';
import type { TableSpec } from '../tables/schema.ts';
import { TABLES } from '../tables/tables.ts';
import type { AddFile } from './actions.ts';
import {
  CommitConflictError,
  CorruptLogError,
  SchemaMismatchError,
  TableNotFoundError,
  UnsupportedTableError,
  VersionNotFoundError,
} from './errors.ts';
import { history } from './history.ts';
import { checkpointKey, commitKey, lastCheckpointKey } from './log-files.ts';
import { MemoryStore } from './memory-store.test-support.ts';
import { DeltaTable } from './table.ts';

const SPEC: TableSpec = {
  name: 'things',
  doc: 'Things.',
  sortBy: ['id'],
  rowGroupSize: 2048,
  columns: [
    { name: 'id', type: 'string', nullable: false, doc: 'Identity.' },
    { name: 'n', type: 'long', doc: 'A number.' },
  ],
};
const WRITE = { name: 'WRITE' };

function file(path: string): AddFile {
  return { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
}

async function newTable(options: Parameters<typeof DeltaTable.open>[2] = {}) {
  const store = new MemoryStore();
  const table = DeltaTable.open(store, 'tables/things', options);
  await table.create(SPEC);
  return { store, table };
}

function text(store: MemoryStore, key: string): string {
  return new TextDecoder().decode(store.objects.get(key)?.body);
}

describe('creating', () => {
  test('a table that was never created is not found', async () => {
    const table = DeltaTable.open(new MemoryStore(), 'tables/none');
    await expect(table.snapshot()).rejects.toThrow(TableNotFoundError);
    expect(await table.exists()).toBe(false);
  });

  test('the first commit is what the protocol asks for', async () => {
    const { store } = await newTable({ now: () => 1_700_000_000_000 });
    const lines = text(store, 'tables/things/_delta_log/00000000000000000000.json').trim().split('\n');
    const actions = lines.map((line) => JSON.parse(line));
    expect(actions.map((action) => Object.keys(action)[0])).toEqual(['commitInfo', 'protocol', 'metaData']);
    expect(actions[1].protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 });
    const { schemaString, id, ...metaData } = actions[2].metaData;
    expect(metaData).toMatchObject({ format: { provider: 'parquet', options: {} }, partitionColumns: [] });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(schemaString)).toEqual({
      type: 'struct',
      fields: [
        { name: 'id', type: 'string', nullable: false, metadata: { comment: 'Identity.' } },
        { name: 'n', type: 'long', nullable: true, metadata: { comment: 'A number.' } },
      ],
    });
  });

  test('ten racing creators make one table', async () => {
    const store = new MemoryStore();
    const ids = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const table = DeltaTable.open(store, 'tables/things');
        return (await table.create(SPEC)).metadata.id;
      }),
    );
    expect(new Set(ids).size).toBe(1);
    expect([...store.objects.keys()]).toEqual([commitKey('tables/things', 0)]);
  });

  test.each(TABLES.map((spec) => [spec.name, spec] as const))(
    '%s reads back as specified',
    async (_, spec) => {
      const store = new MemoryStore();
      await DeltaTable.open(store, `tables/${spec.name}`).create(spec);
      const snapshot = await DeltaTable.open(store, `tables/${spec.name}`).snapshot();
      // Which column has the length of another is known to the program, not to the log.
      const columns = spec.columns.map(({ lengthColumn: _, ...column }) => ({ nullable: true, ...column }));
      expect(snapshot.spec).toEqual({ ...spec, columns });
    },
  );
});

describe('schema evolution', () => {
  const wider: TableSpec = {
    ...SPEC,
    columns: [...SPEC.columns, { name: 'extra', type: 'json', doc: 'More.' }],
  };

  test('adds nullable columns once', async () => {
    const { table } = await newTable();
    expect((await table.create(wider)).version).toBe(1);
    expect((await table.create(wider)).version).toBe(1);
    const { spec } = await table.snapshot();
    expect(spec.columns.map((column) => column.name)).toEqual(['id', 'n', 'extra']);
    expect(spec.columns[2]!.type).toBe('json');
  });

  test('an older program leaves newer columns alone', async () => {
    const { table } = await newTable();
    await table.create(wider);
    expect((await table.create(SPEC)).spec.columns).toHaveLength(3);
  });

  test('two programs adding columns at once both succeed', async () => {
    const { store } = await newTable();
    const other: TableSpec = {
      ...SPEC,
      columns: [...SPEC.columns, { name: 'other', type: 'double', doc: 'Other.' }],
    };
    await Promise.all([wider, other].map((spec) => DeltaTable.open(store, 'tables/things').create(spec)));
    const { spec } = await DeltaTable.open(store, 'tables/things').snapshot();
    expect(spec.columns.map((column) => column.name).sort()).toEqual(['extra', 'id', 'n', 'other']);
  });

  test('refuses another type and a new required column', async () => {
    const { table } = await newTable();
    const retyped = { ...SPEC, columns: [{ name: 'id', type: 'long', doc: '' } as const] };
    await expect(table.create(retyped)).rejects.toThrow(SchemaMismatchError);
    const required = { ...SPEC, columns: [{ name: 'x', type: 'long', nullable: false, doc: '' } as const] };
    await expect(table.create(required)).rejects.toThrow(SchemaMismatchError);
  });
});

describe('committing', () => {
  test('adds and removes files', async () => {
    const { table } = await newTable();
    await table.commit(WRITE, () => ({ add: [file('a'), file('b')] }));
    const { snapshot } = await table.commit(WRITE, ({ files }) => ({
      remove: [files.get('a')!],
      add: [file('c')],
    }));
    expect([...snapshot.files.keys()]).toEqual(['b', 'c']);
    expect([...snapshot.tombstones.keys()]).toEqual(['a']);
    expect(snapshot.version).toBe(2);
  });

  test('nothing to do commits nothing', async () => {
    const { table } = await newTable();
    expect((await table.commit(WRITE, () => undefined)).committed).toBe(false);
    expect((await table.commit(WRITE, () => ({ add: [] }))).committed).toBe(false);
    expect((await table.snapshot()).version).toBe(0);
  });

  test('a transaction is committed once', async () => {
    const { store, table } = await newTable();
    const txn = { appId: 'ingest-1', version: 0 };
    const first = await table.commit(WRITE, () => ({ add: [file('a')] }), { txn });
    const again = await DeltaTable.open(store, 'tables/things').commit(WRITE, () => ({ add: [file('b')] }), {
      txn,
    });
    expect([first.committed, again.committed]).toEqual([true, false]);
    expect(again.snapshot.version).toBe(1);
    const next = await table.commit(WRITE, () => ({ add: [file('c')] }), { txn: { ...txn, version: 1 } });
    expect([...next.snapshot.files.keys()]).toEqual(['a', 'c']);
  });

  test('a lost race rebuilds on the newest version', async () => {
    const { store, table } = await newTable();
    const other = DeltaTable.open(store, 'tables/things');
    const seen: number[] = [];
    const { snapshot } = await table.commit(WRITE, async ({ version }) => {
      seen.push(version);
      if (seen.length === 1) await other.commit(WRITE, () => ({ add: [file('other')] }));
      return { add: [file('mine')] };
    });
    expect(seen).toEqual([0, 1]);
    expect([...snapshot.files.keys()]).toEqual(['other', 'mine']);
  });

  test('an append rebases without being rebuilt', async () => {
    const { store, table } = await newTable();
    const other = DeltaTable.open(store, 'tables/things');
    let built = 0;
    const build = async () => {
      built += 1;
      await other.commit(WRITE, () => ({ add: [file('other')] }));
      return { add: [file('mine')] };
    };
    const { snapshot } = await table.commit(WRITE, build, { onConflict: 'rebase' });
    expect(built).toBe(1);
    expect(snapshot.version).toBe(2);
  });

  test('a rebased removal of a file that is gone is a conflict and commits nothing', async () => {
    const { store, table } = await newTable();
    await table.commit(WRITE, () => ({ add: [file('a')] }));
    const other = DeltaTable.open(store, 'tables/things');
    const commit = table.commit(
      { name: 'OPTIMIZE' },
      async ({ files }) => {
        await other.commit(WRITE, (now) => ({ remove: [now.files.get('a')!] }));
        return { remove: [files.get('a')!], add: [file('merged')], dataChange: false };
      },
      { onConflict: 'rebase' },
    );
    await expect(commit).rejects.toThrow(CommitConflictError);
    expect([...(await table.snapshot()).files.keys()]).toEqual([]);
  });

  test.each([
    ['adding one path twice', { add: [file('x'), file('x')] }],
    ['adding a live path', { add: [file('a')] }],
    ['adding a live path in another spelling', { add: [file('%61')] }],
    ['removing a file twice', { remove: [file('a'), file('a')] }],
    ['removing what is not there', { remove: [file('z')] }],
    ['removing and adding one path', { remove: [file('a')], add: [file('a')] }],
  ])('refuses %s', async (_, change) => {
    const { table } = await newTable();
    await table.commit(WRITE, () => ({ add: [file('a')] }));
    await expect(table.commit(WRITE, () => change)).rejects.toThrow(CommitConflictError);
    expect((await table.snapshot()).version).toBe(1);
  });

  test('is cancelled by its signal', async () => {
    const { table } = await newTable();
    const controller = new AbortController();
    const commit = table.commit(
      WRITE,
      () => {
        controller.abort();
        return { add: [file('a')] };
      },
      { signal: controller.signal },
    );
    await expect(commit).rejects.toThrow(CancelledError);
    expect((await table.snapshot()).version).toBe(0);
  });

  test('gives up after the given number of attempts', async () => {
    const { store, table } = await newTable();
    store.before = (operation, key) => {
      if (operation === 'putIfAbsent' && !store.objects.has(key)) {
        const line = JSON.stringify({ commitInfo: { timestamp: 1 } });
        store.objects.set(key, { body: new TextEncoder().encode(line), modified: new Date() });
      }
    };
    const commit = table.commit(WRITE, () => ({ add: [file('a')] }), { maxAttempts: 3 });
    await expect(commit).rejects.toThrow(/lost against other writers 3 times/);
  });

  test('refuses tables that need a newer writer or reader, have invariants, or are append-only', async () => {
    const tamper = async (from: string, to: string) => {
      const { store } = await newTable();
      const key = commitKey('tables/things', 0);
      store.objects.set(key, {
        body: new TextEncoder().encode(text(store, key).replace(from, to)),
        modified: new Date(),
      });
      return DeltaTable.open(store, 'tables/things');
    };
    const add = { add: [file('a')] };
    const writer = await tamper('"minWriterVersion":2', '"minWriterVersion":7,"writerFeatures":["x"]');
    await expect(writer.commit(WRITE, () => add)).rejects.toThrow(UnsupportedTableError);
    expect((await writer.snapshot()).version).toBe(0);
    const reader = await tamper('"minReaderVersion":1', '"minReaderVersion":3,"readerFeatures":["dv"]');
    await expect(reader.snapshot()).rejects.toThrow(/reader version 3 \(dv\)/);
    const invariant = await tamper('\\"comment\\":\\"A number.\\"', '\\"delta.invariants\\":\\"x\\"');
    await expect(invariant.commit(WRITE, () => add)).rejects.toThrow(/invariants/);
    const appendOnly = await tamper('"configuration":{', '"configuration":{"delta.appendOnly":"true",');
    await appendOnly.commit(WRITE, () => add);
    await expect(appendOnly.commit(WRITE, ({ files }) => ({ remove: [...files.values()] }))).rejects.toThrow(
      /append-only/,
    );
  });
});

describe('time travel', () => {
  test('finds versions by number and by time', async () => {
    let now = 1_000;
    const { store, table } = await newTable({ now: () => now });
    for (let version = 1; version <= 7; version++) {
      now = 1_000 + version * 100;
      await table.commit(WRITE, () => ({ add: [file(`f${version}`)] }));
    }
    const fresh = DeltaTable.open(store, 'tables/things');
    for (let version = 0; version <= 7; version++) {
      expect((await fresh.snapshot({ version })).files.size).toBe(version);
      for (const [offset, expected] of [
        [0, version],
        [99, version],
        [-1, version - 1],
      ] as const) {
        const timestamp = new Date(1_000 + version * 100 + offset);
        if (expected < 0) await expect(fresh.snapshot({ timestamp })).rejects.toThrow(VersionNotFoundError);
        else expect((await fresh.snapshot({ timestamp })).version).toBe(expected);
      }
    }
    await expect(fresh.snapshot({ version: 8 })).rejects.toThrow(VersionNotFoundError);
  });

  test('commit times increase even when a clock stands still or runs behind', async () => {
    let now = 5_000;
    const { table } = await newTable({ now: () => now });
    for (const time of [5_000, 1_000, 5_001]) {
      now = time;
      await table.commit(WRITE, () => ({ add: [file(`f${time}`)] }));
    }
    const times = (await history(table)).map((entry) => entry.timestamp.getTime());
    expect(times).toEqual([5_003, 5_002, 5_001, 5_000]);
  });
});

describe('checkpoints', () => {
  async function tableWithCheckpoint(warnings: unknown[] = []) {
    const made = await newTable({ checkpointInterval: 3, onWarning: (error) => warnings.push(error) });
    for (let version = 1; version <= 7; version++) {
      await made.table.commit(WRITE, ({ files }) => ({
        add: [{ ...file(`f%20${version}`), tags: { k: `v${version}` }, stats: '{"numRecords":1}' }],
        ...(version === 5 ? { remove: [files.get('f 1')!] } : {}),
        txn: [{ appId: `app${version % 2}`, version }],
      }));
    }
    return made;
  }

  test('a reader needs only the checkpoint and the commits after it', async () => {
    const { store, table } = await tableWithCheckpoint();
    const expected = await table.snapshot();
    for (let version = 0; version <= 6; version++) store.objects.delete(commitKey(table.root, version));
    const read = await DeltaTable.open(store, table.root).snapshot();
    expect(read.version).toBe(7);
    const plain = (file: AddFile) => ({
      path: file.path,
      tags: file.tags,
      stats: file.stats,
      size: file.size,
    });
    expect([...read.files.values()].map(plain).sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      [...expected.files.values()].map(plain).sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
    expect([...read.tombstones.keys()]).toEqual(['f 1']);
    expect(Object.fromEntries([...read.txns].map(([app, txn]) => [app, txn.version]))).toEqual({
      app0: 6,
      app1: 7,
    });
    expect(read.spec).toEqual(expected.spec);
    expect(read.metadata.id).toBe(expected.metadata.id);
  });

  test('versions before the oldest checkpoint are gone once their commits are', async () => {
    const { store, table } = await tableWithCheckpoint();
    for (let version = 0; version <= 2; version++) store.objects.delete(commitKey(table.root, version));
    const fresh = DeltaTable.open(store, table.root);
    await expect(fresh.snapshot({ version: 2 })).rejects.toThrow(VersionNotFoundError);
    expect((await fresh.snapshot({ version: 3 })).files.size).toBe(3);
    expect((await fresh.snapshot({ version: 5 })).files.size).toBe(4);
  });

  test.each([
    ['missing', undefined],
    ['no JSON', 'x'],
    ['of another shape', '{"version":"7"}'],
    ['too high', '{"version":900}'],
    ['stale', '{"version":3}'],
    ['at a version without checkpoint', '{"version":5}'],
  ])('a hint that is %s does no harm', async (_, hint) => {
    const { store, table } = await tableWithCheckpoint();
    const key = lastCheckpointKey(table.root);
    if (hint === undefined) store.objects.delete(key);
    else await store.put(key, new TextEncoder().encode(hint));
    const read = await DeltaTable.open(store, table.root).snapshot();
    expect([read.version, read.files.size]).toEqual([7, 6]);
  });

  test('a corrupt checkpoint is replaced by an older one or by the commits', async () => {
    const { store, table } = await tableWithCheckpoint();
    await store.put(checkpointKey(table.root, 6), new TextEncoder().encode('PAR1 nonsense'));
    expect((await DeltaTable.open(store, table.root).snapshot()).files.size).toBe(6);
    await store.put(checkpointKey(table.root, 3), new Uint8Array());
    expect((await DeltaTable.open(store, table.root).snapshot()).files.size).toBe(6);
    store.objects.delete(commitKey(table.root, 1));
    await expect(DeltaTable.open(store, table.root).snapshot()).rejects.toThrow(CorruptLogError);
  });

  test('in several parts are read once all parts are there', async () => {
    const { store, table } = await tableWithCheckpoint();
    const single = checkpointKey(table.root, 6);
    const folder = await mkdtemp(join(tmpdir(), 'runlake-parts-'));
    try {
      await writeFile(join(folder, 'whole.parquet'), store.objects.get(single)!.body);
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const parts = [1, 2, 3].map((n) => single.replace('.parquet', `.000000000${n}.0000000003.parquet`));
      for (const [i, key] of parts.entries()) {
        const part = join(folder, `${i}.parquet`);
        await connection.run(
          `COPY (SELECT * EXCLUDE n FROM (SELECT *, row_number() OVER () AS n FROM '${folder}/whole.parquet') WHERE n % 3 = ${i}) TO '${part}'`,
        );
        await store.upload(key, { file: part });
      }
      connection.closeSync();
      store.objects.delete(single);
      for (let version = 0; version <= 6; version++) store.objects.delete(commitKey(table.root, version));
      expect((await DeltaTable.open(store, table.root).snapshot()).files.size).toBe(6);
      store.objects.delete(parts[1]!);
      await expect(DeltaTable.open(store, table.root).snapshot()).rejects.toThrow(CorruptLogError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a checkpoint that cannot be written never fails the commit', async () => {
    const warnings: unknown[] = [];
    const { store, table } = await newTable({
      checkpointInterval: 1,
      onWarning: (error) => warnings.push(error),
    });
    store.before = (operation) => {
      if (operation === 'put') throw new Error('disk full');
    };
    const { committed } = await table.commit(WRITE, () => ({ add: [file('a')] }));
    expect(committed).toBe(true);
    expect(warnings).toHaveLength(1);
    expect((await DeltaTable.open(store, table.root).snapshot()).files.size).toBe(1);
  });

  test('a reader whose base was cleaned away from the log starts over', async () => {
    const { store, table } = await newTable({ checkpointInterval: 4 });
    // As if the last listing had been long ago.
    const reader = DeltaTable.open(store, table.root, { listEveryMs: 0 });
    await reader.snapshot();
    for (let i = 1; i <= 5; i++) await table.commit(WRITE, () => ({ add: [file(`f${i}`)] }));
    for (let version = 0; version < 4; version++) store.objects.delete(commitKey(table.root, version));
    expect((await reader.snapshot()).files.size).toBe(5);
  });
});

describe('a reader that looks again', () => {
  test.each([0, 1, 4, 5, 20])('sees %i new commits, whether it asks one by one or lists', async (count) => {
    const { store, table } = await newTable({ checkpointInterval: 8 });
    const readers = [{}, { listEveryMs: 0 }].map((options) => DeltaTable.open(store, table.root, options));
    for (const reader of readers) await reader.snapshot();
    for (let i = 1; i <= count; i++) await table.commit(WRITE, () => ({ add: [file(`f${i}`)] }));
    const [one, other] = await Promise.all(readers.map((reader) => reader.snapshot()));
    expect([one!.version, one!.files.size]).toEqual([count, count]);
    expect(one!.timestamp).toEqual(other!.timestamp);
    expect([...one!.files.keys()].sort()).toEqual([...other!.files.keys()].sort());
  });
});

describe('a damaged log', () => {
  test.each([
    ['no JSON', '{"add":', /no JSON text/],
    ['an invalid action', '{"add":{"path":"x","size":-1}}', /invalid add action/],
    [
      'a path out of the table',
      '{"add":{"path":"../x","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
      /not normalised/,
    ],
    [
      'an encoded path out of the table',
      '{"add":{"path":"%2e%2e%2fx","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
      /not normalised/,
    ],
    [
      'an absolute path',
      '{"add":{"path":"s3://other/x","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
      /outside the table/,
    ],
    ['a newer protocol', '{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}', /reader version 3/],
  ])('with %s is refused', async (_, line, message) => {
    const { store, table } = await newTable();
    await store.put(commitKey(table.root, 1), new TextEncoder().encode(line));
    await expect(table.snapshot()).rejects.toThrow(message);
  });

  test('unknown actions and fields are ignored', async () => {
    const { store, table } = await newTable();
    const lines = [
      '{"cdc":{"path":"x"}}',
      '{"add":{"path":"x","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"later":1}}',
    ];
    await store.put(commitKey(table.root, 1), new TextEncoder().encode(lines.join('\r\n')));
    expect([...(await table.snapshot()).files.keys()]).toEqual(['x']);
  });

  test('with a gap is refused', async () => {
    const { store, table } = await newTable();
    for (const name of ['a', 'b', 'c']) await table.commit(WRITE, () => ({ add: [file(name)] }));
    store.objects.delete(commitKey(table.root, 2));
    await expect(DeltaTable.open(store, table.root).snapshot()).rejects.toThrow(CorruptLogError);
    expect((await DeltaTable.open(store, table.root).snapshot({ version: 1 })).files.size).toBe(1);
  });
});
