import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { decodeChunk } from './decode.ts';
import { Engine, runQuery } from './engine.ts';
import { RunningStatement } from './statement.ts';
import type { EngineValue, StreamOptions } from './types.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-statement-'));
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ temporaryDirectory: join(directory, 'tmp'), memory: '512MB', threads: 2 });
});
// Other tests may run in this process.
afterEach(() => void vi.restoreAllMocks());
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

/** 10 GB of rows, of which DuckDB makes one chunk after the other. */
const LONG = "SELECT i, repeat('x', 1000) || i AS text FROM range(10000000) r(i)";

/** Some rows, after which nothing comes for so long that only an interrupt ends it. */
const STALLING = 'SELECT i FROM range(1000000000000) r(i) WHERE i < 500000';

async function start(sql: string, options: StreamOptions = {}) {
  const { connection, giveBack } = await engine.lend();
  const statement = await RunningStatement.start(connection, sql, options);
  const end = async () => {
    await statement.close();
    expect((await runQuery(connection, 'SELECT 1')).rows).toEqual([[1]]);
    giveBack();
  };
  return { statement, end };
}

async function heldBytes(): Promise<number> {
  return Number((await engine.query('SELECT sum(memory_usage_bytes) FROM duckdb_memory()')).rows[0]?.[0]);
}

it('gives every row once, in order, with names and types', async () => {
  const { statement, end } = await start(
    'SELECT i, [i::FLOAT] AS v FROM range($1::BIGINT) r(i) ORDER BY i DESC',
    { params: [10_000] },
  );
  expect(statement.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['i BIGINT', 'v FLOAT[]']);
  const types = statement.columns.map(({ type }) => type);
  const rows: EngineValue[][] = [];
  for await (const chunk of statement) rows.push(...decodeChunk(chunk, types));
  expect(rows.length).toBe(10_000);
  expect(rows.every(([i], r) => i === BigInt(9_999 - r))).toBe(true);
  expect(rows[3]).toEqual([9_996n, Float32Array.of(9_996)]);
  await end();
});

it('fails when DuckDB fails after some rows, and says why', async () => {
  const late = `SELECT CASE WHEN i = 1000000 THEN 'x' ELSE i::VARCHAR END::INT FROM range(3000000) r(i);`;
  const { statement, end } = await start(late);
  expect((await statement.next())?.rowCount).toBe(2_048);
  const rest = async () => {
    while ((await statement.next()) !== undefined);
  };
  await expect(rest()).rejects.toMatchObject({
    code: 'QUERY_FAILED',
    message: expect.stringContaining("Could not convert string 'x' to INT32"),
  });
  await end();
  await expect(engine.query(late)).rejects.toMatchObject({ code: 'QUERY_FAILED' });
});

it('holds little while its reader pauses, whose time is free, and nothing when it is closed', async () => {
  const before = await heldBytes();
  const { statement, end } = await start(LONG, { timeoutMs: 60_000 });
  await statement.next();
  await setTimeout(200);
  const later = performance.now() + 3_600_000;
  vi.spyOn(performance, 'now').mockImplementation(() => later);
  expect((await heldBytes()) - before).toBeLessThan(32e6);
  expect((await statement.next())?.rowCount).toBe(2_048);
  vi.restoreAllMocks();
  await end();
  expect((await heldBytes()) - before).toBeLessThan(1e6);
  await expect(statement.next()).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('ends a pending fetch when it is closed, and fails between fetches when its caller gives up', async () => {
  const controller = new AbortController();
  const aborted = await start(LONG, { signal: controller.signal });
  await aborted.statement.next();
  controller.abort();
  await expect(aborted.statement.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  await aborted.end();

  const closed = await start(STALLING);
  const drained = (async () => {
    while ((await closed.statement.next()) !== undefined);
  })();
  drained.catch(() => undefined);
  await setTimeout(100);
  await closed.end();
  await expect(drained).rejects.toMatchObject({ code: 'CANCELLED' });

  const timed = async () => {
    const { statement, end } = await start(STALLING, { timeoutMs: 1_000 });
    try {
      for await (const _ of statement);
    } finally {
      await end();
    }
  };
  await expect(timed()).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
});
