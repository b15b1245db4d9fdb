import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LocalStore } from '../store/local-store.ts';
import type { TableSpec } from '../tables/schema.ts';
import type { AddFile } from './actions.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { dataKey, encodePath } from './paths.ts';
import type { Snapshot } from './snapshot.ts';
import { DeltaTable } from './table.ts';

/*
 * Random histories of a table, replayed a second time by SQL that shares no code with ours: DuckDB reads the commits as JSON
 * and the checkpoints as Parquet, and the last action about a path decides.
 */

let connection: DuckDBConnection;
let base: string;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  base = await mkdtemp(join(tmpdir(), 'runlake-replay-'));
});
afterAll(async () => {
  connection.closeSync();
  await rm(base, { recursive: true, force: true });
});

const FILE = 'STRUCT(path VARCHAR, size BIGINT, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))';

async function sqlReplay(log: string, from: number, to: number, checkpoint: boolean): Promise<string[]> {
  const version = `parse_filename(filename, true)::BIGINT`;
  const commits = `SELECT ${version} AS version, "add", remove FROM read_json('${log}/*.json', format = 'newline_delimited',
    filename = true, columns = {"add": '${FILE}', remove: 'STRUCT(path VARCHAR)'}) WHERE ${version} > ${from} AND ${version} <= ${to}`;
  const state = `SELECT ${from} AS version, {path: "add".path, size: "add".size, stats: "add".stats, tags: "add".tags} AS "add",
    {path: remove.path} AS remove FROM read_parquet('${log}/${String(from).padStart(20, '0')}.checkpoint.parquet')`;
  const normal = `SELECT version, "add", coalesce("add".path, remove.path) AS path FROM (${commits})`;
  const actions = checkpoint
    ? `${normal} UNION ALL SELECT version, CASE WHEN "add".path IS NOT NULL THEN "add" END, coalesce("add".path, remove.path) FROM (${state})`
    : normal;
  const reader = await connection.runAndReadAll(
    `SELECT "add".path || ' ' || "add".size || ' ' || "add".stats || ' ' || coalesce("add".tags['k'], '')
     FROM (SELECT *, row_number() OVER (PARTITION BY path ORDER BY version DESC) AS latest FROM (${actions}) WHERE path IS NOT NULL)
     WHERE latest = 1 AND "add" IS NOT NULL AND "add".path IS NOT NULL ORDER BY 1`,
  );
  return reader.getRows().map((row) => String(row[0]));
}

function described(snapshot: Snapshot): string[] {
  return [...snapshot.files.values()]
    .map((file) => `${file.path} ${file.size} ${file.stats} ${file.tags?.['k'] ?? ''}`)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const SPEC: TableSpec = {
  name: 't',
  doc: '',
  sortBy: [],
  rowGroupSize: 2048,
  columns: [{ name: 'a', type: 'long', doc: '' }],
};

const name = fc.string({
  unit: fc.constantFrom('a', 'ü', ' ', '%', '=', '#', '?', '+', '😀', "'", '"', '\\'),
  maxLength: 6,
});
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      names: fc.array(name, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      picks: fc.array(fc.nat(50), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), pick: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('race' as const), count: fc.integer({ min: 2, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evolve' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const) }) },
);

test('any history gives the same files as an independent replay in SQL', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      run += 1;
      const store = new LocalStore(join(base, String(run)));
      const root = 'tables/t';
      let handle = DeltaTable.open(store, root, { checkpointInterval: 5 });
      await handle.create(SPEC);
      const old = await handle.snapshot();
      let serial = 0;
      let columns = 1;
      const checkpoints = new Set<number>();
      const make = (label = ''): AddFile => {
        serial += 1;
        const path = encodePath(`${label}-${serial}.parquet`);
        const tags = serial % 2 === 0 ? { tags: { k: `v"${label}` } } : {};
        const stats = `{"numRecords":${serial}}`;
        return {
          path,
          partitionValues: {},
          size: serial,
          modificationTime: 1,
          dataChange: true,
          stats,
          ...tags,
        };
      };
      const write = { name: 'WRITE' };
      for (const action of steps) {
        if (action.do === 'append') {
          const add = action.names.map(make);
          await handle.commit(write, () => ({ add }));
        } else if (action.do === 'remove') {
          await handle.commit(write, ({ files }) => {
            const live = [...files.values()];
            return { remove: [...new Set(action.picks)].flatMap((pick) => live[pick] ?? []) };
          });
        } else if (action.do === 'replace') {
          const added = make('r');
          await handle.commit(write, ({ files }) => ({
            add: [added],
            remove: [...files.values()].slice(action.pick, action.pick + 1),
          }));
        } else if (action.do === 'race') {
          const racers = Array.from({ length: action.count }, () => make('race'));
          await Promise.all(
            racers.map((add) =>
              DeltaTable.open(store, root, { checkpointInterval: 5 }).commit(write, () => ({ add: [add] })),
            ),
          );
        } else if (action.do === 'evolve') {
          columns += 1;
          const added = Array.from(
            { length: columns },
            (_, i) => ({ name: `c${i}`, type: 'double', doc: '' }) as const,
          );
          await handle.create({ ...SPEC, columns: [...SPEC.columns, ...added] });
        } else if (action.do === 'checkpoint') {
          const snapshot = await handle.snapshot();
          checkpoints.add(snapshot.version);
          await writeCheckpoint(store, snapshot);
        } else if (action.do === 'restart') {
          handle = DeltaTable.open(store, root, { checkpointInterval: 5 });
        } else {
          await store.put(dataKey(root, `abandoned-${serial++}`), new Uint8Array(1));
        }
      }
      const log = `${store.root}/${root}/_delta_log`;
      const fresh = DeltaTable.open(store, root);
      const newest = await fresh.snapshot();
      const expected = await sqlReplay(log, -1, newest.version, false);
      expect(described(newest)).toEqual(expected);
      expect(described(await handle.snapshot())).toEqual(expected);
      const middle = newest.version >> 1;
      expect(described(await fresh.snapshot({ version: middle }))).toEqual(
        await sqlReplay(log, -1, middle, false),
      );
      for (let version = 5; version <= newest.version; version += 5) checkpoints.add(version);
      for (const version of checkpoints) {
        if (version > 0) expect(await sqlReplay(log, version, newest.version, true)).toEqual(expected);
      }
      expect(old.files.size).toBe(0);
    }),
    { numRuns: 25 },
  );
});
