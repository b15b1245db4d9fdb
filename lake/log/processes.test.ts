import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { freshBucket, s3Missing, s3Server } from '../../test/support/s3-server.ts';
import { compileScript, startScript } from '../../test/support/ts-script.ts';
import { LocalStore } from '../store/local-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { S3Store } from '../store/s3-store.ts';
import { TABLES } from '../tables/tables.ts';
import { logPrefix } from './log-files.ts';
import { DeltaTable } from './table.ts';

const ROOT = 'tables/things';
let script: string;

beforeAll(async () => {
  script = await compileScript(new URL('./committer.fixture.ts', import.meta.url));
});

/** Runs one committer until it is done; kills it `kills` times at random moments and starts it again. */
async function commitAll(uri: string, name: string, count: number, kills: number): Promise<number> {
  for (let killed = 0; ; killed++) {
    const { child, done } = startScript(script, [uri, ROOT, name, String(count)]);
    let finished = false;
    void done.then(() => {
      finished = true;
    });
    if (killed < kills) {
      // Kill in the middle of the work, not in the middle of starting node.
      await Promise.race([done, new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))]);
      await Promise.race([done, sleep(Math.random() * 400)]);
      if (!finished) child.kill('SIGKILL');
    }
    const { code, stderr } = await done;
    if (code === 0) return killed;
    if (code !== null) throw new Error(stderr);
  }
}

interface Line {
  readonly txn?: { readonly appId: string; readonly version: number };
  readonly add?: { readonly path: string };
}

/** Checks the raw commits, without our reader: contiguous versions, each piece of work exactly once. */
function checkCommits(
  names: readonly string[],
  texts: ReadonlyMap<string, string>,
  expected: readonly string[],
) {
  const versions = [...names].sort();
  expect(versions).toEqual(
    Array.from({ length: expected.length + 1 }, (_, v) => `${String(v).padStart(20, '0')}.json`),
  );
  const work: string[] = [];
  for (const name of versions.slice(1)) {
    const lines = texts
      .get(name)!
      .trim()
      .split('\n')
      .map((line): Line => JSON.parse(line));
    const txns = lines.flatMap(({ txn }) => (txn ? [`${txn.appId}-${txn.version}`] : []));
    const adds = lines.flatMap(({ add }) => (add ? [add.path] : []));
    expect([txns.length, adds.length]).toEqual([1, 1]);
    expect(adds[0]!.startsWith(`${txns[0]}-`)).toBe(true);
    work.push(txns[0]!);
  }
  expect(work.sort()).toEqual([...expected].sort());
}

async function race(store: ObjectStore, uri: string, processes: number, count: number, kills: number) {
  await DeltaTable.open(store, ROOT).create(TABLES[0]);
  const names = Array.from({ length: processes }, (_, i) => `w${i}`);
  const killed = await Promise.all(names.map((name, i) => commitAll(uri, name, count, i < 3 ? kills : 0)));
  const expected = names.flatMap((name) => Array.from({ length: count }, (_, i) => `${name}-${i}`));
  const commits = new Map<string, string>();
  for await (const { key } of store.list({ prefix: logPrefix(ROOT) })) {
    const name = key.slice(logPrefix(ROOT).length);
    if (/^\d+\.json$/.test(name)) commits.set(name, Buffer.from(await store.get(key)).toString());
  }
  checkCommits([...commits.keys()], commits, expected);
  const { files, version, txns } = await DeltaTable.open(store, ROOT).snapshot();
  expect([files.size, version, txns.size]).toEqual([processes * count, processes * count, processes]);
  for (const path of files.keys()) expect(await store.head(`${ROOT}/${path}`)).toBeDefined();
  return killed.reduce((sum, kill) => sum + kill, 0);
}

// At the same time: in a directory they keep the cores busy, with S3 they wait.
describe.concurrent('processes that commit to one table, some killed and started again', () => {
  test('lose nothing and double nothing in a directory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runlake-race-'));
    try {
      const killed = await race(new LocalStore(folder), `file:${folder}`, 8, 50, 2);
      expect(killed).toBeGreaterThan(0);
      const log = await readdir(join(folder, ROOT, '_delta_log'));
      // One for every 50 of the 400 commits, unless who was about to write it was killed.
      const checkpoints = log.filter((name) => name.endsWith('.checkpoint.parquet'));
      expect(checkpoints.length).toBeGreaterThanOrEqual(8 - killed);
      const hint = JSON.parse(await readFile(join(folder, ROOT, '_delta_log/_last_checkpoint'), 'utf8'));
      expect(hint.version % 50).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test.skipIf(s3Missing !== undefined)('lose nothing and double nothing in S3', async () => {
    const server = await s3Server(inject('s3StateFolder'));
    const settings = await freshBucket(server, 'lake');
    process.env['S3_ENDPOINT'] = server.endpoint;
    process.env['AWS_ACCESS_KEY_ID'] = server.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = server.secretAccessKey;
    const store = new S3Store(settings);
    try {
      // Half of the commits of a directory: what differs is the store, and its server takes most of the time.
      const killed = await race(store, `s3://${settings.bucket}/lake`, 8, 25, 4);
      expect(killed).toBeGreaterThan(0);
    } finally {
      store.close();
    }
  });
});
