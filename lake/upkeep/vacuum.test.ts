import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AddFile } from '../log/actions.ts';
import { VersionNotFoundError } from '../log/errors.ts';
import { commitKey } from '../log/log-files.ts';
import { MemoryStore } from '../log/memory-store.test-support.ts';
import { dataKey } from '../log/paths.ts';
import { DeltaTable } from '../log/table.ts';
import { SPEC } from './table.test-support.ts';
import { vacuum } from './vacuum.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

/** A table whose clock, like that of its store, is set by hand. */
async function clockedTable(checkpointInterval = 0) {
  const clock = { now: START };
  const store = new MemoryStore();
  store.now = () => new Date(clock.now);
  const table = DeltaTable.open(store, 'tables/things', { now: () => clock.now, checkpointInterval });
  await table.create(SPEC);
  let files = 0;
  const upload = async (): Promise<AddFile> => {
    files += 1;
    const path = `part-${files}.parquet`;
    await store.put(dataKey(table.root, path), new Uint8Array([files % 256]));
    return { path, partitionValues: {}, size: 1, modificationTime: clock.now, dataChange: true };
  };
  const replaceAll = async () => {
    const added = await upload();
    await table.commit({ name: 'WRITE' }, (now) => ({ add: [added], remove: [...now.files.values()] }));
  };
  return { clock, store, table, upload, replaceAll };
}

describe('vacuum', () => {
  test('deletes what no version of the span needs, and nothing else', async () => {
    const { clock, store, table, upload, replaceAll } = await clockedTable();
    for (let day = 0; day < 10; day++) {
      clock.now = START + day * DAY;
      await replaceAll();
    }
    const orphan = await upload();
    await store.put('tables/things/_delta_index/x.bin', new Uint8Array(1));
    await store.put('tables/things_else/part-1.parquet', new Uint8Array(1));
    clock.now = START + 9 * DAY + 20 * HOUR;
    const young = await upload();
    clock.now = START + 10 * DAY + 12 * HOUR;
    const options = { retentionMs: 3 * DAY, now: () => clock.now };
    // Three days before now is day 7.5: the version of day 7 was the newest then. Versions 8.. hold parts 8..10.
    const expected = [1, 2, 3, 4, 5, 6, 7].map((n) => `tables/things/part-${n}.parquet`);
    const dry = await vacuum(table, { ...options, dryRun: true });
    expect([...dry.deleted].sort()).toEqual([...expected, dataKey(table.root, orphan.path)].sort());
    expect(store.objects.has('tables/things/part-1.parquet')).toBe(true);
    const result = await vacuum(table, options);
    expect(result.deleted).toEqual(dry.deleted);
    expect(result.deletedBytes).toBe(8);
    for (const key of result.deleted) expect(store.objects.has(key)).toBe(false);
    for (const key of [
      ...[8, 9, 10].map((n) => `tables/things/part-${n}.parquet`),
      dataKey(table.root, young.path),
      'tables/things/_delta_index/x.bin',
      'tables/things_else/part-1.parquet',
      commitKey(table.root, 0),
    ]) {
      expect([key, store.objects.has(key)]).toEqual([key, true]);
    }
    expect((await vacuum(table, options)).deleted).toEqual([]);
  });

  test.each([{ retentionMs: HOUR }, { leaseMs: HOUR }])('refuses %j unless forced', async (unsafe) => {
    const { table } = await clockedTable();
    await expect(vacuum(table, unsafe)).rejects.toThrow(/running queries or ingests/);
    expect((await vacuum(table, { ...unsafe, force: true })).deleted).toEqual([]);
  });

  test('deletes expired log entries behind a checkpoint, and keeps versions of the span', async () => {
    const { clock, store, table, replaceAll } = await clockedTable(5);
    for (let day = 1; day <= 40; day++) {
      clock.now = START + day * DAY;
      await replaceAll();
    }
    const result = await vacuum(table, { logRetentionMs: 12 * DAY, now: () => clock.now });
    // Day 28 is version 28; the checkpoint before it is 25.
    expect(result.deletedLogEntries).toHaveLength(25 + 4);
    const fresh = DeltaTable.open(store, table.root);
    for (let version = 25; version <= 40; version++)
      expect((await fresh.snapshot({ version })).files.size).toBe(1);
    await expect(fresh.snapshot({ version: 24 })).rejects.toThrow(VersionNotFoundError);
    expect((await fresh.snapshot({ timestamp: new Date(START + 30.5 * DAY) })).version).toBe(30);
    await expect(fresh.snapshot({ timestamp: new Date(START) })).rejects.toThrow(VersionNotFoundError);
  });

  test('a log whose checkpoints cannot be read stays whole', async () => {
    const { clock, store, table, replaceAll } = await clockedTable(5);
    for (let day = 1; day <= 40; day++) {
      clock.now = START + day * DAY;
      await replaceAll();
    }
    for (const key of store.objects.keys())
      if (key.includes('.checkpoint.')) await store.put(key, new Uint8Array(9));
    const result = await vacuum(table, { logRetentionMs: 12 * DAY, now: () => clock.now });
    expect(result.deletedLogEntries).toEqual([]);
  });

  test('every version of the span stays readable, whatever happened before', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('orphan' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('vacuum' as const) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 40 }) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 24, max: 120 }),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        async (retention, steps) => {
          const { clock, store, table, upload } = await clockedTable(4);
          for (const action of steps) {
            clock.now += 1000;
            if (action.do === 'append') {
              const file = await upload();
              await table.commit({ name: 'WRITE' }, () => ({ add: [file] }));
            } else if (action.do === 'remove') {
              await table.commit({ name: 'DELETE' }, ({ files }) => {
                const live = [...files.values()];
                return live.length === 0 ? undefined : { remove: [live[action.pick % live.length]!] };
              });
            } else if (action.do === 'orphan') {
              await upload();
            } else if (action.do === 'wait') {
              clock.now += action.hours * HOUR;
            } else {
              const before = (await table.snapshot()).version;
              const retentionMs = retention * HOUR;
              const now = () => clock.now;
              await vacuum(table, { retentionMs, logRetentionMs: retentionMs, now });
              const fresh = DeltaTable.open(store, table.root);
              let oldest = before;
              try {
                oldest = (await fresh.snapshot({ timestamp: new Date(clock.now - retentionMs) })).version;
              } catch (error) {
                if (!(error instanceof VersionNotFoundError)) throw error;
                oldest = 0;
              }
              for (let version = oldest; version <= before; version++) {
                for (const path of (await fresh.snapshot({ version })).files.keys()) {
                  expect([version, path, store.objects.has(dataKey(table.root, path))]).toEqual([
                    version,
                    path,
                    true,
                  ]);
                }
              }
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
