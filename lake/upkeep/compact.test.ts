import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlString } from '../engine/sql-text.ts';
import { CancelledError } from '../errors.ts';
import { CommitConflictError } from '../log/errors.ts';
import { history } from '../log/history.ts';
import { MemoryStore } from '../log/memory-store.test-support.ts';
import { dataKey } from '../log/paths.ts';
import { addFile, fileStats } from '../log/stats.ts';
import { DeltaTable } from '../log/table.ts';
import { dataFileName } from '../parquet/file-name.ts';
import type { VectorBatch } from '../parquet/vectors/batch.ts';
import { encodeVectorFile } from '../parquet/vectors/vector-file.ts';
import { ACTIVATIONS, RUNS } from '../tables/tables.ts';
import { COLUMNS_TAG, ingestsOf, ingestTags, RUNS_TAG, runsOf, runTags } from '../visibility.ts';
import { compact } from './compact.ts';
import { fsck } from './fsck.ts';
import { info } from './info.ts';
import { planCompaction } from './plan-compaction.ts';
import { SPEC, Workbench } from './table.test-support.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());

const OLD = Date.now() - 48 * 3_600_000;

/** Two layers of 40 vectors. */
function vectors(n: number): VectorBatch {
  const [rows, dim] = [80, 8_192];
  return {
    key: `k${n}`,
    exampleId: `e${n}`,
    modelId: null,
    site: 'resid_post',
    tokenSelector: 'all',
    dtype: 'float32',
    dim,
    rows,
    vectors: Float32Array.from({ length: rows * dim }, (_, i) => Math.fround(Math.sin(i + n))),
    layer: Int32Array.from({ length: rows }, (_, row) => row % 2),
    tokenIndex: Int32Array.from({ length: rows }, (_, row) => row >> 1),
    segment: new Uint8Array(rows).fill(2),
  };
}

describe('compaction', () => {
  test('merges small files into one sorted file with the same rows and merged tags', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    for (const [i, ingest] of ['c', 'a', 'b'].entries())
      await bench.append(table, [ingest], { first: 10 - i });
    const before = await table.snapshot();
    const rows = await bench.rows(store, before);
    const result = await compact(table);
    expect(result).toMatchObject({ commits: 1, filesRemoved: 3, filesAdded: 1, rowsDropped: 0 });
    const after = await table.snapshot();
    expect(await bench.rows(store, after)).toEqual(rows);
    const [[path, merged]] = [...after.files] as [
      [string, typeof before.files extends ReadonlyMap<string, infer F> ? F : never],
    ];
    expect(ingestsOf(merged).toSorted()).toEqual(['a', 'b', 'c']);
    expect(merged.tags?.[COLUMNS_TAG]).toBe('6');
    expect(fileStats(merged)).toMatchObject({ numRecords: 9, nullCount: { x: 3 } });
    const ids = (await bench.fileRows(store, after.root, path)).map((row) => row.slice(1, 6));
    expect(ids).toEqual([...ids].sort());
    // The old version is still there.
    expect(await bench.rows(store, await table.snapshot({ version: before.version }))).toEqual(rows);
    expect((await history(table, 1))[0]).toMatchObject({
      operation: 'OPTIMIZE',
      addedFiles: 1,
      removedFiles: 3,
    });
    const commit = new TextDecoder().decode(
      await store.get(`${table.root}/_delta_log/00000000000000000004.json`),
    );
    expect(commit.match(/"dataChange":false/g)).toHaveLength(4);
    expect(await info(table)).toMatchObject({
      files: 1,
      rows: 9,
      version: 4,
      oldestVersion: 0,
      tombstones: 3,
    });
    expect(await compact(table)).toMatchObject({ commits: 0 });
    expect((await fsck([table])).findings).toEqual([]);
  });

  test('gives a table of vectors the row groups that ingest makes', async () => {
    const store = new MemoryStore();
    const table = DeltaTable.open(store, 'tables/activations');
    await table.create(ACTIVATIONS);
    const paths: string[] = [];
    for (const [n, ingestId] of ['b', 'a', 'c'].entries()) {
      const path = join(bench.folder, dataFileName());
      const copied = encodeVectorFile({ path, storeId: `s-${ingestId}`, ingestId, batches: [vectors(n)] });
      await store.upload(dataKey(table.root, copied.name), { file: path });
      const tags = { ...ingestTags([ingestId]), [COLUMNS_TAG]: String(ACTIVATIONS.columns.length) };
      await table.commit({ name: 'WRITE' }, () => ({
        add: [addFile(ACTIVATIONS, copied, copied.name, { tags })],
      }));
      paths.push(path);
    }
    expect(await compact(table)).toMatchObject({ commits: 1, filesRemoved: 3, filesAdded: 1 });
    const [merged] = (await table.snapshot()).files.keys();
    const local = join(bench.folder, dataFileName());
    await writeFile(local, await store.get(dataKey(table.root, merged!)));
    const ask = async (sql: string) => (await bench.connection.runAndReadAll(sql)).getRowsJson();
    const files = `read_parquet([${paths.map(sqlString).join(', ')}])`;
    const order = ACTIVATIONS.sortBy.join(', ');
    const rows = await ask(`SELECT md5(t::VARCHAR), store_id, layer FROM ${files} t ORDER BY ${order}`);
    expect(
      await ask(`SELECT md5(t::VARCHAR), store_id, layer FROM read_parquet(${sqlString(local)}) t`),
    ).toEqual(rows);
    const groups = await ask(
      `SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(${sqlString(local)}) ORDER BY 1`,
    );
    // 2 MiB of vectors of 8,192 numbers; the layers of a store have 40 rows.
    expect(groups.map(([, size]) => size)).toEqual(Array(6).fill('40'));
    expect((await fsck([table])).findings).toEqual([]);
  });

  test('drops rows of ingests that are not current once their lease is over', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    await bench.append(table, ['gone', 'kept'], { now: OLD });
    await bench.append(table, ['gone too'], { now: OLD });
    await bench.append(table, ['running'], { now: Date.now() });
    const result = await compact(table, { isCurrent: (ingest) => ingest === 'kept' });
    expect(result.rowsDropped).toBe(6);
    const { files } = await table.snapshot();
    expect([...files.values()].flatMap(ingestsOf).sort()).toEqual(['kept', 'running']);
    const rows = await bench.rows(store, await table.snapshot());
    expect(rows).toHaveLength(6);
    expect(rows.filter((row) => row.includes('gone'))).toEqual([]);
    expect((await fsck([table])).findings).toEqual([]);
  });

  test('a file with nothing to keep goes without a successor', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    await bench.append(table, ['gone'], { now: OLD });
    expect(await compact(table, { isCurrent: () => false })).toMatchObject({
      filesRemoved: 1,
      filesAdded: 0,
    });
    expect((await table.snapshot()).files.size).toBe(0);
  });

  test('an ingest that becomes current during the merge keeps its rows', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    await bench.append(table, ['late', 'kept'], { now: OLD });
    let asked = 0;
    const isCurrent = (ingest: string) => {
      if (ingest === 'late') asked += 1;
      return ingest === 'kept' || asked > 1;
    };
    expect(await compact(table, { isCurrent })).toMatchObject({ commits: 0, rowsDropped: 0 });
    expect(await bench.rows(store, await table.snapshot())).toHaveLength(6);
  });

  test('a removal that comes first makes it plan again; nothing comes back and nothing is lost', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    for (const ingest of ['a', 'b', 'c']) await bench.append(table, [ingest]);
    let interfered = false;
    store.before = async (operation, key) => {
      if (operation !== 'put' || !key.includes('part-') || interfered) return;
      interfered = true;
      const added = await bench.upload(store, table.root, ['a2']);
      await table.commit({ name: 'WRITE' }, ({ files }) => ({
        add: [added],
        remove: [...files.values()].filter((file) => ingestsOf(file).includes('a')),
      }));
    };
    await compact(table);
    const snapshot = await table.snapshot();
    expect(snapshot.files.size).toBe(1);
    expect([...snapshot.files.values()].flatMap(ingestsOf).sort()).toEqual(['a2', 'b', 'c']);
    expect((await bench.rows(store, snapshot)).filter((row) => row.includes(', a,'))).toEqual([]);
    // The merge that lost left no object behind.
    expect((await fsck([table], { leaseMs: -1000 })).findings).toEqual([]);
  });

  test('loses and doubles nothing while others append, replace and compact', async () => {
    const store = new MemoryStore();
    const root = (await bench.table(store)).root;
    const current = new Set<string>();
    const writer = async (name: string) => {
      const table = DeltaTable.open(store, root, { checkpointInterval: 7 });
      for (let i = 0; i < 12; i++) {
        const ingest = `${name}${i}`;
        const add = await bench.upload(store, root, [ingest], { now: OLD });
        const replaced = i % 3 === 2 ? `${name}${i - 1}` : undefined;
        await table.commit({ name: 'WRITE' }, () => ({ add: [add] }));
        current.add(ingest);
        if (replaced !== undefined) current.delete(replaced);
      }
    };
    let writing = true;
    const compactor = async () => {
      const table = DeltaTable.open(store, root);
      // An ingest counts as current from the start: these have no lease to protect them.
      const isCurrent = (ingest: string) => current.has(ingest) || !seen.has(ingest);
      const seen = new Set<string>();
      while (writing) {
        await sleep(5);
        for (const ingest of current) seen.add(ingest);
        await compact(table, { isCurrent }).catch((error: unknown) => {
          if (!(error instanceof CommitConflictError)) throw error;
        });
      }
    };
    const compactors = [compactor(), compactor()];
    await Promise.all(['a', 'b'].map(writer));
    writing = false;
    await Promise.all(compactors);
    const table = DeltaTable.open(store, root);
    await compact(table, { isCurrent: (ingest) => current.has(ingest) });
    const snapshot = await table.snapshot();
    expect(snapshot.files.size).toBe(1);
    expect([...snapshot.files.values()].flatMap(ingestsOf).sort()).toEqual([...current].sort());
    const expected = [...current].flatMap((ingest) => [0, 1, 2].map((i) => `0000${i} ${ingest}`));
    const rows = (await bench.rows(store, snapshot)).map((row) =>
      row.replace(/^\((\d+), (\w+),.*$/, '$1 $2'),
    );
    expect(rows.sort()).toEqual(expected.sort());
    expect(
      (await fsck([table], { leaseMs: -60_000 })).findings.filter(({ code }) => code !== 'ORPHAN_OBJECT'),
    ).toEqual([]);
  });

  test.each(['get', 'put'])(
    'cancelled during a %s, it commits nothing and leaves the table sound',
    async (moment) => {
      const store = new MemoryStore();
      const table = await bench.table(store);
      for (const ingest of ['a', 'b']) await bench.append(table, [ingest]);
      const controller = new AbortController();
      store.before = (operation, key) => {
        if (operation === moment && key.includes('part-')) controller.abort();
      };
      await expect(compact(table, { signal: controller.signal })).rejects.toThrow(CancelledError);
      await expect(fsck([table], { signal: controller.signal })).rejects.toThrow(CancelledError);
      store.before = () => {};
      expect((await table.snapshot()).files.size).toBe(2);
      expect((await fsck([table])).findings).toEqual([]);
    },
  );

  test('gives up when files always change under it', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    for (const ingest of ['a', 'b']) await bench.append(table, [ingest]);
    let busy = false;
    store.before = async (operation, key) => {
      if (operation !== 'put' || !key.includes('part-') || busy) return;
      busy = true;
      const added = await bench.upload(store, table.root, ['x']);
      await table.commit({ name: 'WRITE' }, ({ files }) => ({
        add: [added],
        remove: [[...files.values()][0]!],
      }));
      busy = false;
    };
    await expect(compact(table)).rejects.toThrow(CommitConflictError);
    expect((await table.snapshot()).files.size).toBe(2);
  });

  test('files from before a column was added give nulls', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    await bench.append(table, ['a']);
    await table.create({ ...SPEC, columns: [...SPEC.columns, { name: 'more', type: 'json', doc: '' }] });
    await bench.append(table, ['b']);
    await compact(table);
    const [merged] = [...(await table.snapshot()).files.values()];
    expect(fileStats(merged!).nullCount).toMatchObject({ more: 6 });
    expect(merged!.tags?.[COLUMNS_TAG]).toBe('7');
    expect((await fsck([table])).findings).toEqual([]);
  });

  test('files of runs merge their entries', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    const entries = ['a', 'b'].map((id) => ({
      run_id: `r${id}`,
      ingest_id: id,
      content_sha256: id,
      stores: [],
    }));
    for (const entry of entries) {
      const add = await bench.upload(store, table.root, [entry.ingest_id]);
      await table.commit({ name: 'WRITE' }, () => ({
        add: [{ ...add, tags: { ...add.tags, ...runTags([entry]) } }],
      }));
    }
    await compact(table);
    const [merged] = [...(await table.snapshot()).files.values()];
    expect(merged!.tags?.[RUNS_TAG]).toBeDefined();
    expect(runsOf(merged!).sort((a, b) => (a.run_id < b.run_id ? -1 : 1))).toEqual(entries);
    expect(RUNS.sortBy).toEqual(['run_id']);
  });
});

describe('the plan', () => {
  test('groups neighbours in sort order up to the target size and leaves large files alone', async () => {
    const store = new MemoryStore();
    const table = await bench.table(store);
    const file = (name: string, size: number, id: string, tagged = true) => ({
      path: name,
      partitionValues: {},
      size,
      modificationTime: 1,
      dataChange: true,
      stats: JSON.stringify({ minValues: { id } }),
      ...(tagged ? { tags: { 'runlake.ingests': JSON.stringify([name]) } } : {}),
    });
    const { snapshot } = await table.commit({ name: 'WRITE' }, () => ({
      add: [
        file('big', 80, 'a'),
        file('d', 40, 'd'),
        file('b', 40, 'b'),
        file('c', 40, 'c'),
        file('e', 40, 'e'),
        file('f', 40, 'f'),
        file('foreign1', 10, 'a', false),
        file('foreign2', 10, 'b', false),
      ],
    }));
    const groups = planCompaction(snapshot, { targetBytes: 100, droppable: () => false });
    expect(groups.map((group) => group.files.map(({ path }) => path))).toEqual([
      ['foreign1', 'foreign2'],
      ['b', 'c'],
      ['d', 'e'],
    ]);
    expect(groups.map((group) => group.kept)).toEqual([[], ['b', 'c'], ['d', 'e']]);
  });
});
