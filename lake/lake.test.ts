import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RemoteStore } from './cache/remote-store.fixture.ts';
import { Lake } from './lake.ts';
import { dataKey } from './log/paths.ts';
import { Staging } from './parquet/staging.ts';
import { VectorWriter } from './parquet/vectors/writer.ts';
import { relationSql } from './relation.ts';
import { LocalStore } from './store/local-store.ts';
import type { Row, TableSpec } from './tables/schema.ts';
import { METRICS, PREDICTIONS, RUNS, TABLES } from './tables/tables.ts';
import { compact } from './upkeep/compact.ts';
import type { RunEntry } from './visibility.ts';
import { LakeWriter } from './writer.ts';

let directory: string;
let lake: Lake;
let writer: LakeWriter;

async function open(tables: readonly TableSpec[] = TABLES): Promise<void> {
  lake = await Lake.open({
    store: new LocalStore(join(directory, 'store')),
    home: join(directory, 'home'),
    cacheBytes: 1e9,
    memory: 5e8,
    snapshotMaxAgeMs: 0,
    maxStreams: 3,
    tables,
  });
  writer = await LakeWriter.open(lake, { memory: 2e8 });
}

async function close(): Promise<void> {
  await writer.close();
  await lake.close();
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-lake-'));
  await open();
});
afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true });
});

interface Batch {
  readonly run: string;
  readonly content: string;
  readonly scores: readonly number[];
}

let ingests = 0;

/** Stages runs with predictions; `commit` false stops before `runs`, as a crash would. */
async function put(
  batch: readonly Batch[],
  commit = true,
): Promise<Awaited<ReturnType<LakeWriter['commitRuns']>> | undefined> {
  const connection = await writer.connect();
  const staging = new Staging(connection, writer.directory);
  const entries: RunEntry[] = [];
  for (const { run, content, scores } of batch) {
    ingests += 1;
    const ids: Row = { run_id: run, ingest_id: `i${ingests}` };
    entries.push({ run_id: run, ingest_id: `i${ingests}`, content_sha256: content, stores: [] });
    await staging.append(
      PREDICTIONS,
      scores.map((score, i) => ({ ...ids, example_id: `e${i}`, score_halu: score })),
    );
    const zero = { n_generations: 0, n_predictions: scores.length, n_activations: 0, n_issues: 0 };
    await staging.append(lake.specs.get(RUNS.name)!, [
      { ...ids, ...zero, family: 'HALLULENS', status: 'completed', content_sha256: content, ingested_at: 0n },
    ]);
  }
  const files = await staging.write();
  connection.closeSync();
  const predictions = files.get(PREDICTIONS.name);
  if (predictions !== undefined) {
    await writer.append([
      { table: PREDICTIONS.name, file: predictions, ingests: entries.map((e) => e.ingest_id) },
    ]);
  }
  return commit ? writer.commitRuns(files.get(RUNS.name)!, entries) : undefined;
}

/** Sum of scores by run, as a reader sees it. */
async function sums(asOf: Parameters<Lake['snapshot']>[0] = {}): Promise<Record<string, number>> {
  const snapshot = await lake.snapshot(asOf);
  const predictions = await lake.relation(snapshot, 'predictions');
  const { rows } = await lake.query(
    `SELECT run_id, sum(score_halu) FROM ${predictions.sql} GROUP BY run_id ORDER BY run_id`,
  );
  return Object.fromEntries(rows.map(([run, sum]) => [String(run), Number(sum)]));
}

describe('visibility', () => {
  it('shows nothing of a run whose row of runs was never committed', async () => {
    await put([{ run: 'a', content: '1', scores: [1, 2] }]);
    await put([{ run: 'b', content: '1', scores: [10] }], false);
    expect(await sums()).toEqual({ a: 3 });
    await put([{ run: 'b', content: '1', scores: [10] }]);
    expect(await sums()).toEqual({ a: 3, b: 10 });
  });

  it('deletes runs atomically, of a file that holds others too, and takes them again', async () => {
    await put([
      { run: 'a', content: '1', scores: [1] },
      { run: 'b', content: '1', scores: [5] },
    ]);
    const before = (await lake.snapshot()).token;
    expect(await writer.deleteRuns(new Set(['a', 'nobody']))).toEqual({
      deleted: new Set(['a']),
      duplicates: new Set(),
    });
    expect(await sums()).toEqual({ b: 5 });
    expect(await sums({ snapshot: before })).toEqual({ a: 1, b: 5 });
    const { version } = await lake.table('runs').snapshot();
    expect((await writer.deleteRuns(new Set(['a']))).deleted).toEqual(new Set());
    expect((await lake.table('runs').snapshot()).version).toBe(version);
    await put([{ run: 'a', content: '1', scores: [1] }]);
    expect(await sums()).toEqual({ a: 1, b: 5 });
    expect((await writer.deleteRuns(new Set(['a', 'b']))).deleted).toEqual(new Set(['a', 'b']));
    expect(await sums()).toEqual({});
  });

  it('names a state that vacuum has taken files of, where they are read in place and where they are fetched', async () => {
    await put([{ run: 'a', content: '1', scores: [1] }]);
    const remote = await Lake.open({
      store: new RemoteStore(join(directory, 'store')),
      home: join(directory, 'remote'),
      cacheBytes: 1e9,
      memory: 5e8,
      tables: TABLES,
    });
    const { root, files } = await lake.table('predictions').snapshot();
    await lake.store.delete([...files.keys()].map((path) => dataKey(root, path)));
    const gone = { code: 'VERSION_NOT_FOUND' };
    await expect(sums()).rejects.toMatchObject(gone);
    await expect(remote.relation(await remote.snapshot(), 'predictions')).rejects.toMatchObject(gone);
    await remote.close();
  });

  it('replaces a run atomically and keeps the old state readable by token, version and time', async () => {
    await put([
      { run: 'a', content: '1', scores: [1] },
      { run: 'b', content: '1', scores: [5] },
    ]);
    const before = await lake.snapshot();
    const result = await put([{ run: 'a', content: '2', scores: [100, 100] }]);
    expect([...result!.replaced]).toEqual(['a']);
    expect(await sums()).toEqual({ a: 200, b: 5 });
    expect(await sums({ snapshot: before.token })).toEqual({ a: 1, b: 5 });
    expect(await sums({ version: before.versions['runs']! })).toEqual({ a: 1, b: 5 });
    expect(await sums({ timestamp: before.tables.get('runs')!.timestamp })).toEqual({ a: 1, b: 5 });
    const runs = await lake.relation(await lake.snapshot(), 'runs');
    const { rows } = await lake.query(`SELECT run_id, content_sha256 FROM ${runs.sql} ORDER BY 1`);
    expect(rows).toEqual([
      ['a', '2'],
      ['b', '1'],
    ]);
  });

  it('does nothing when the same content was committed in the meantime', async () => {
    await put([{ run: 'a', content: '1', scores: [1] }]);
    const version = (await lake.snapshot()).versions['runs'];
    const result = await put([
      { run: 'a', content: '1', scores: [1] },
      { run: 'c', content: '1', scores: [7] },
    ]);
    expect([...result!.unchanged]).toEqual(['a']);
    expect(await sums()).toEqual({ a: 1, c: 7 });
    expect((await put([{ run: 'a', content: '1', scores: [1] }]))!.unchanged.size).toBe(1);
    expect((await lake.snapshot()).versions['runs']).toBe(version! + 1);
  });

  it('reads a compacted file with a row filter while one of its ingests is no longer current', async () => {
    await put([{ run: 'a', content: '1', scores: [1] }]);
    await put([{ run: 'b', content: '1', scores: [5] }]);
    const current = async (ingest: string) => (await lake.snapshot()).visible.has(ingest);
    await compact(lake.table('predictions'), { isCurrent: current });
    await compact(lake.table('runs'), { isCurrent: current });
    await put([{ run: 'a', content: '2', scores: [50] }]);
    expect(await sums()).toEqual({ a: 50, b: 5 });
    const relation = await lake.relation(await lake.snapshot(), 'predictions');
    expect(relation.sql).toContain('WHERE ingest_id IN');
    await compact(lake.table('predictions'), {
      isCurrent: current,
      leaseMs: 0,
      now: () => Date.now() + 1_000,
    });
    expect(await sums()).toEqual({ a: 50, b: 5 });
    lake.refresh();
    expect((await lake.relation(await lake.snapshot(), 'predictions')).rows).toBe(2);
  });

  it('agrees with a plain model under random ingests, crashes, replacements and compactions', async () => {
    const batch = fc.array(
      fc.record({
        run: fc.constantFrom('a', 'b', 'c'),
        content: fc.constantFrom('1', '2', '3'),
        scores: fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), batch }),
      fc.record({ kind: fc.constant('crash' as const), batch }),
      fc.record({ kind: fc.constant('compact' as const), batch }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        await close();
        rmSync(directory, { recursive: true });
        await open();
        const model = new Map<string, Batch>();
        const history: { token: string; expected: Record<string, number> }[] = [];
        for (const { kind, batch: runs } of steps) {
          // One batch holds a run once, as the pipeline makes sure.
          const unique = [...new Map(runs.map((r) => [r.run, r])).values()];
          if (kind === 'compact') {
            for (const table of ['predictions', 'runs']) {
              await compact(lake.table(table), {
                isCurrent: async (ingest) => (await lake.snapshot()).visible.has(ingest),
                leaseMs: 0,
                now: () => Date.now() + 1_000,
              });
            }
          } else {
            await put(unique, kind === 'put');
            for (const run of unique) {
              if (kind === 'put' && model.get(run.run)?.content !== run.content) model.set(run.run, run);
            }
          }
          const expected = Object.fromEntries(
            [...model.values()]
              .filter((r) => r.scores.length > 0)
              .map((r) => [r.run, r.scores.reduce((a, b) => a + b, 0)]),
          );
          expect(await sums()).toEqual(expected);
          history.push({ token: (await lake.snapshot()).token, expected });
        }
        for (const { token, expected } of history) expect(await sums({ snapshot: token })).toEqual(expected);
      }),
      { numRuns: 8 },
    );
  });
});

describe('reading', () => {
  it('prunes files by their statistics, never rows', async () => {
    await put([{ run: 'a', content: '1', scores: [1] }]);
    await put([{ run: 'b', content: '1', scores: [5] }]);
    const snapshot = await lake.snapshot();
    const pruned = await lake.relation(snapshot, 'predictions', [{ column: 'run_id', in: ['b'] }]);
    expect(pruned).toMatchObject({ files: 1, rows: 1 });
    expect((await lake.relation(snapshot, 'predictions', [{ column: 'run_id', in: ['zz'] }])).files).toBe(0);
    expect((await lake.query(`SELECT count(*) FROM ${pruned.sql}`)).rows).toEqual([[1n]]);
  });

  it('reads of activations only the stores of the runs that are asked for', async () => {
    const connection = await writer.connect();
    const staging = new Staging(connection, writer.directory);
    const zero = { n_generations: 0, n_predictions: 0, n_activations: 1, n_issues: 0 };
    const entries: RunEntry[] = [];
    for (const run of ['a', 'b']) {
      const vectors = new VectorWriter(writer.vectors, writer.directory, {
        storeId: `store-${run}`,
        ingestId: `store-${run}.0`,
      });
      vectors.add({
        key: 'k',
        exampleId: null,
        modelId: null,
        site: 'resid_post',
        tokenSelector: 'mean',
        dtype: 'float32',
        dim: 2,
        rows: 1,
        vectors: Float32Array.of(1, 2),
        layer: Int32Array.of(0),
        tokenIndex: Int32Array.of(-1),
        segment: Uint8Array.of(0),
      });
      const file = (await vectors.write())!;
      await writer.append([{ table: 'activations', file, ingests: [`store-${run}.0`] }]);
      const ids = { run_id: run, ingest_id: `ingest-${run}`, content_sha256: run };
      entries.push({ ...ids, stores: [`store-${run}.0`] });
      await staging.append(RUNS, [
        { ...ids, ...zero, family: 'HALLULENS', status: 'completed', ingested_at: 0n },
      ]);
    }
    await writer.commitRuns((await staging.write()).get('runs')!, entries);
    connection.closeSync();
    const snapshot = await lake.snapshot();
    expect((await lake.relation(snapshot, 'activations')).files).toBe(2);
    const one = await lake.relation(snapshot, 'activations', [{ column: 'run_id', in: ['b'] }]);
    expect(one.files).toBe(1);
    const { rows } = await lake.query(`SELECT store_id, token_index, vector FROM ${one.sql}`);
    expect(rows).toEqual([['store-b', null, Float32Array.of(1, 2)]]);
    expect((await lake.size(snapshot, 'activations', [{ column: 'run_id', in: ['zz'] }])).files).toBe(0);
  });

  it('gives an empty relation of the right types for a table without files', async () => {
    const relation = await lake.relation(await lake.snapshot(), 'activations');
    const { columns, rows } = await lake.query(`SELECT vector, layer, norm FROM ${relation.sql}`);
    expect([columns.map((c) => c.type), rows]).toEqual([['FLOAT[]', 'INTEGER', 'DOUBLE'], []]);
  });

  it('reads files written before a column was added as null', async () => {
    const older = { ...METRICS, columns: METRICS.columns.filter((c) => c.name !== 'ci_high') };
    const others = TABLES.filter((t) => t.name !== 'metrics');
    await close();
    rmSync(directory, { recursive: true });
    await open([...others, older]);
    const write = async (spec: TableSpec, row: Row) => {
      const connection = await writer.connect();
      const staging = new Staging(connection, writer.directory);
      const ids = { run_id: 'a', ingest_id: 'i', scope: 'overall', metric: 'auroc', source: 'reported' };
      await staging.append(spec, [{ ...ids, ...row }]);
      await writer.append([
        { table: 'metrics', file: (await staging.write()).get('metrics')!, ingests: ['i'] },
      ]);
      connection.closeSync();
    };
    await write(older, { value: 1, ci_low: 0.5 });
    await close();
    await open();
    await write(METRICS, { value: 2, ci_low: 1.5, ci_high: 2.5 });
    ingests = 0;
    const snapshot = await lake.snapshot();
    const state = snapshot.tables.get('metrics')!;
    expect(state.spec.columns.at(-1)?.name).toBe('ci_high');
    // No run names the ingest, so the files are read directly.
    const files = [...state.files].map(([path, add]) => ({
      path,
      add,
      onlyIngests: undefined,
      local: join(directory, 'store', state.root, path),
    }));
    const { rows } = await lake.query(
      `SELECT value, ci_low, ci_high, source FROM ${relationSql(METRICS, state.spec, files)} ORDER BY value`,
    );
    expect(rows).toEqual([
      [1, 0.5, null, 'reported'],
      [2, 1.5, 2.5, 'reported'],
    ]);
  });

  it('keeps runs of a file that was written before a column was added, when another run of it is replaced', async () => {
    await close();
    rmSync(directory, { recursive: true });
    const older = { ...RUNS, columns: RUNS.columns.filter((c) => c.name !== 'duplicate_of') };
    await open([...TABLES.filter((t) => t.name !== RUNS.name), older]);
    await put([
      { run: 'a', content: '1', scores: [1] },
      { run: 'b', content: '1', scores: [5] },
    ]);
    await close();
    await open();
    await put([{ run: 'a', content: '2', scores: [2] }]);
    for (const [run, content] of [
      ['a', '2'],
      ['b', '1'],
    ]) {
      const one = [{ column: 'run_id', in: [run!] }];
      const { sql, files } = await lake.relation(await lake.snapshot(), 'runs', one);
      expect(files).toBe(1);
      const { rows } = await lake.query(`SELECT run_id, content_sha256, duplicate_of FROM ${sql}`);
      expect(rows).toEqual([[run, content, null]]);
    }
    expect(await sums()).toEqual({ a: 2, b: 5 });
  });

  it('answers sandboxed SQL over the views only, and leaves none behind', async () => {
    await put([{ run: 'a', content: '1', scores: [1, 2] }]);
    const snapshot = await lake.snapshot();
    const sql = 'SELECT r.run_id, count(*) FROM runs r JOIN predictions p USING (run_id) GROUP BY ALL';
    expect((await lake.sandboxedQuery(snapshot, sql)).rows).toEqual([['a', 2n]]);
    await expect(lake.sandboxedQuery(snapshot, 'SELECT * FROM secrets')).rejects.toMatchObject({
      code: 'SQL_FORBIDDEN',
    });
    await expect(lake.query('SELECT * FROM runs')).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  });

  it('streams sandboxed SQL from the state it began with, a bounded number at once, and leaves no views behind', async () => {
    await put([{ run: 'a', content: '1', scores: Array.from({ length: 5_000 }, (_, i) => i) }]);
    const snapshot = await lake.snapshot();
    const sql = 'SELECT score_halu FROM predictions ORDER BY score_halu';
    const stream = await lake.sandboxedStream(snapshot, sql);
    await put([{ run: 'a', content: '2', scores: [7] }]);
    const scores: unknown[] = [];
    for await (const chunk of stream) scores.push(...chunk.getColumnValues(0));
    expect(scores).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
    const endless = 'SELECT * FROM range(1000000000)';
    const open = await Promise.all(Array.from({ length: 3 }, () => lake.sandboxedStream(snapshot, endless)));
    await expect(lake.sandboxedStream(snapshot, endless)).rejects.toMatchObject({ code: 'TOO_MANY_STREAMS' });
    await Promise.all(open.map((each) => each.close()));
    await expect(lake.sandboxedStream(snapshot, 'SELECT * FROM duckdb_settings()')).rejects.toMatchObject({
      code: 'SQL_FORBIDDEN',
    });
    await expect(lake.query('SELECT * FROM predictions')).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  });

  it('finds the newest state for those who wait when the first to ask has gone', async () => {
    await put([{ run: 'a', content: '1', scores: [0.5] }]);
    const gone = new AbortController();
    const first = lake.snapshot({}, { signal: gone.signal });
    const second = lake.snapshot();
    gone.abort();
    await expect(first).rejects.toThrow('was cancelled');
    expect([...(await second).runs.keys()]).toEqual(['a']);
    await expect(lake.snapshot({}, { signal: gone.signal })).rejects.toThrow('was cancelled');
  });

  it('refuses tokens and tables that are none', async () => {
    await expect(lake.snapshot({ snapshot: 'zzz' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(lake.snapshot({ version: 1, timestamp: new Date() })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(lake.relation(await lake.snapshot(), 'nope')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
