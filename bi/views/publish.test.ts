import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { runQuery } from '../../lake/engine/engine.ts';
import type { EngineValue, LakeSnapshot } from '../../lake/engine/types.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import { relationSql } from '../../lake/relation.ts';
import { METRICS, RUNS, TABLES } from '../../lake/tables/tables.ts';
import { compact } from '../../lake/upkeep/compact.ts';
import { pythonHas, pythonJson } from '../../test/support/python.ts';
import { smallRuns } from '../../test/support/small-runs.ts';
import { lakeIn, type TestLake } from '../../test/support/temporary-lake.ts';
import { PUBLISHED, type PublishedViews, publishNewestViews, publishViews } from './publish.ts';
import { ViewPublisher } from './publisher.ts';
import { CATALOG } from './views.ts';

let directory: string;
let test: TestLake;
/** A state, the one after it in which a run was replaced, and what was published of that. */
let before: LakeSnapshot;
let after: PublishedViews;

/** A run that an older version of this program ingested, when `metrics` had fewer columns. */
async function ingestLongAgo(): Promise<void> {
  const older = { ...METRICS, columns: METRICS.columns.filter(({ name }) => name !== 'ci_high') };
  const tables = TABLES.map((table) => (table.name === METRICS.name ? older : table));
  const { writer, close } = await lakeIn(directory, { tables });
  const connection = await writer.connect();
  const staging = new Staging(connection, writer.directory);
  const ids = { run_id: 'main/old', ingest_id: 'old' };
  await staging.append(older, [
    { ...ids, scope: 'overall', metric: 'auroc', value: 0.5, source: 'reported' },
  ]);
  const zero = { n_generations: 0, n_predictions: 0, n_activations: 0, n_issues: 0 };
  await staging.append(RUNS, [
    { ...ids, ...zero, family: 'HALLULENS', status: 'completed', content_sha256: 'x', ingested_at: 0n },
  ]);
  const files = await staging.write();
  connection.closeSync();
  await writer.append([{ table: METRICS.name, file: files.get(METRICS.name)!, ingests: ['old'] }]);
  const run = { run_id: 'main/old', ingest_id: 'old', content_sha256: 'x', stores: [] };
  await writer.commitRuns(files.get(RUNS.name)!, [run]);
  await close();
}

/** Ingests runs, of which one has another configuration for every `change`. */
async function ingestRuns(change: number): Promise<void> {
  const files = smallRuns(2);
  const changed = 'runs/2026-02-03/probe_v1/org__model/bench/seed_1/config.json';
  const config: unknown = JSON.parse(String(files[changed]));
  files[changed] = JSON.stringify(Object.assign({ change }, config));
  const tree = temporaryTree(files);
  try {
    const { runs } = await ingest(test.writer, [tree.path], { families: [HALLULENS] });
    expect(runs.filter(({ status }) => status === 'rejected')).toEqual([]);
  } finally {
    tree.remove();
  }
}

type Answers = Record<string, readonly (readonly EngineValue[])[]>;

const NAMES: readonly string[] = CATALOG.map(({ name }) => name);

/** A few that differ between states. */
const SOME = ['runs', 'predictions', 'run_metrics'] as const;

const rowsOf = (name: string) => `SELECT * FROM ${name} ORDER BY ALL`;

/** What a DuckDB of its own, with the defaults that others have, answers. */
async function asDuckDB(
  open: (connection: DuckDBConnection) => Promise<unknown>,
  names = NAMES,
): Promise<Answers> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await open(connection);
    const answers: Answers = {};
    for (const name of names) answers[name] = (await runQuery(connection, rowsOf(name))).rows;
    return answers;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function asServer(snapshot: LakeSnapshot, names = NAMES): Promise<Answers> {
  const answers: Answers = {};
  for (const name of names) answers[name] = (await test.lake.sandboxedQuery(snapshot, rowsOf(name))).rows;
  return answers;
}

const attached = (database: string) => (connection: DuckDBConnection) =>
  connection.run(`ATTACH '${database}' AS lake (READ_ONLY); USE lake`);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-views-'));
  await ingestLongAgo();
  test = await lakeIn(directory);
  await ingestRuns(1);
  for (const table of ['generations', 'predictions', 'metrics']) await compact(test.lake.table(table));
  before = await test.lake.snapshot();
  await ingestRuns(2);
  after = await publishNewestViews(test.lake);
});
afterAll(async () => {
  await test.close();
  rmSync(directory, { recursive: true });
});

describe('published views', () => {
  it('show what the server shows, of files with old columns and with rows that were replaced', async () => {
    const { database, script, snapshot } = after;
    const expected = await asServer(snapshot);
    // The compacted file has the rows of both versions of the run; one of them is current.
    const { files } = await test.lake.files(snapshot, 'predictions');
    expect(files.some(({ onlyIngests }) => onlyIngests !== undefined)).toBe(true);
    expect(expected['run_metrics']?.map(([run]) => run)).toContain('main/old');
    expect(expected['predictions']).toHaveLength(4 * 6);
    expect(expected['examples']?.length).toBeGreaterThan(0);
    expect(expected['run_activations']?.length).toBeGreaterThan(0);
    expect(await asDuckDB(attached(database))).toEqual(expected);
    const run = (connection: DuckDBConnection) => connection.run(readFileSync(script, 'utf8'));
    expect(expected).toMatchObject(await asDuckDB(run, SOME));
  });

  it('say which state they show, and what their columns mean', async () => {
    const { database, snapshot } = after;
    const instance = await DuckDBInstance.create(database, { access_mode: 'READ_ONLY' });
    const connection = await instance.connect();
    const ask = async (sql: string) => (await runQuery(connection, sql)).rows;
    const micros = BigInt(snapshot.timestamp.getTime()) * 1000n;
    expect(await ask("SELECT token, time, versions['runs'] FROM runlake_snapshot")).toEqual([
      [snapshot.token, micros, BigInt(snapshot.versions['runs'] ?? -1)],
    ]);
    const comments = await ask('SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1');
    const descriptions = CATALOG.map(({ name, description }) => [name, description]).sort();
    expect(comments).toEqual(descriptions);
    const columns = await ask(
      "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal AND table_name <> 'runlake_snapshot'",
    );
    const documented = CATALOG.flatMap(({ name, columns: listed }) =>
      listed.map((column) => [name, column.name, column.type, column.description]),
    );
    expect([...columns].sort()).toEqual(documented.sort());
    connection.closeSync();
    instance.closeSync();
  });

  it('can be defined over delta_scan, each after what it reads', async () => {
    const { deltaScript } = after;
    // The extension is not at hand: a stand-in gives no rows of the right columns.
    const answers = await asDuckDB(async (connection) => {
      for (const spec of test.lake.specs.values()) {
        const path = join(directory, `${spec.name}.parquet`);
        await connection.run(`COPY ${relationSql(spec, spec, [])} TO '${path}' (FORMAT parquet)`);
      }
      const scan = `FROM read_parquet('${directory}/' || split_part(path, '/', -1) || '.parquet')`;
      await connection.run(`CREATE MACRO delta_scan(path) AS TABLE ${scan}`);
      await connection.run(readFileSync(deltaScript, 'utf8'));
    });
    expect(Object.values(answers).flat()).toEqual([]);
  });

  it('read of the files no more than a condition on the run asks for', async () => {
    const { database } = after;
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await attached(database)(connection);
    for (const view of ['run_metrics', 'example_predictions']) {
      const run = 'main/hallulens/2026-02-03/probe_v1/org__model/bench/seed_0';
      const { rows } = await runQuery(
        connection,
        `EXPLAIN (FORMAT json) SELECT * FROM ${view} WHERE run_id = '${run}'`,
      );
      const scans = String(rows[0]?.[1]).split('"name": "READ_PARQUET').slice(1);
      expect(scans.length, view).toBeGreaterThan(1);
      for (const scan of scans) expect(scan, view).toMatch(/run_id='main/);
    }
    connection.closeSync();
    instance.closeSync();
  });

  it.skipIf(!pythonHas('duckdb'))('answer the duckdb package of Python, attached or not', async () => {
    const { database, snapshot } = after;
    const questions = [
      'SELECT run_id, method, seed, auroc, n_predictions FROM run_metrics ORDER BY run_id',
      'SELECT example_id, prompt, halu, score_min, score_max FROM examples ORDER BY ALL',
      'SELECT run_id, count(*) AS n, max(norm) AS norm FROM run_activations GROUP BY run_id ORDER BY run_id',
    ];
    const expected = [];
    for (const question of questions) {
      const { rows } = await test.lake.sandboxedQuery(snapshot, question);
      expected.push(rows.map((row) => row.map((v) => (typeof v === 'bigint' ? Number(v) : v))));
    }
    const python = `import duckdb, json, sys
opened = duckdb.connect(sys.argv[1], read_only=True)
attached = duckdb.connect()
attached.execute(f"ATTACH '{sys.argv[1]}' AS lake (READ_ONLY)")
# It would be printed by whatever takes two seconds.
for connection in (opened, attached): connection.execute('SET enable_progress_bar = false')
ask = lambda connection, prefix: [connection.execute(q.replace('FROM ', 'FROM ' + prefix)).fetchall() for q in sys.argv[2:]]
print(json.dumps([ask(opened, ''), ask(attached, 'lake.')]))`;
    expect(pythonJson(python, [database, ...questions])).toEqual([expected, expected]);
  });
});

describe('publishing', () => {
  it('shows an older state on request, and leaves who has the file open with the newer one', async () => {
    const instance = await DuckDBInstance.create(after.database, { access_mode: 'READ_ONLY' });
    const connection = await instance.connect();
    await publishViews(test.lake, before);
    const token = 'SELECT token FROM runlake_snapshot';
    expect((await runQuery(connection, token)).rows).toEqual([[after.snapshot.token]]);
    expect((await runQuery(connection, 'SELECT count(*) FROM runs')).rows).toEqual([[5n]]);
    connection.closeSync();
    instance.closeSync();
    const older = await asDuckDB(attached(after.database), SOME);
    expect(older).toEqual(await asServer(before, SOME));
    expect(older['runs']).not.toEqual((await asServer(after.snapshot, ['runs']))['runs']);
  });
});

describe('ViewPublisher', () => {
  const published = async (): Promise<string> => {
    const script = new TextDecoder().decode(await test.lake.store.get(PUBLISHED.script));
    return /SELECT '([\w-]+)' AS token/.exec(script)?.[1] ?? '';
  };

  it('publishes the state after the last commit, and once for many', async () => {
    const publisher = new ViewPublisher(test.lake, (error) => expect.unreachable(String(error)));
    const put = vi.spyOn(test.lake.store, 'put');
    for (let i = 0; i < 5; i++) publisher.committed();
    await publisher.finish();
    expect(put.mock.calls.map(([key]) => key)).toEqual([PUBLISHED.script, PUBLISHED.deltaScript]);
    expect(await published()).toBe((await test.lake.snapshot()).token);
    await publisher.finish();
    expect(put).toHaveBeenCalledTimes(2);
    put.mockRestore();
  });

  it('publishes again when another process has committed meanwhile, and without being closed', async () => {
    const newest = await test.lake.snapshot();
    const older = await test.lake.snapshot({ version: (newest.versions['runs'] ?? 0) - 1 });
    const publisher = new ViewPublisher(test.lake, (error) => expect.unreachable(String(error)), 0);
    const snapshot = vi.spyOn(test.lake, 'snapshot').mockResolvedValueOnce(older);
    publisher.committed();
    await vi.waitFor(() => expect(snapshot).toHaveBeenCalled(), { timeout: 30_000 });
    await publisher.finish();
    expect(await published()).toBe(newest.token);
    snapshot.mockRestore();
  });

  it('warns when the store refuses, and does not fail', async () => {
    const warnings: unknown[] = [];
    const publisher = new ViewPublisher(test.lake, (error) => warnings.push(error));
    const upload = vi.spyOn(test.lake.store, 'upload').mockRejectedValue(new Error('access denied'));
    publisher.committed();
    await publisher.finish();
    upload.mockRestore();
    expect(warnings).toEqual([new Error('access denied')]);
  });
});
