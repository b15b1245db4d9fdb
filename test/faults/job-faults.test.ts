import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { isFinal } from '../../compute/jobs/job.ts';
import { PostgresQueue } from '../../compute/jobs/postgres-queue.ts';
import { checkTables, compactTables } from '../../src/upkeep.ts';
import { type Cli, compileCli } from '../support/cli.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { compileScript } from '../support/ts-script.ts';
import {
  COMPLETED_ONCE,
  endsOf,
  INFERENCE,
  type LakeState,
  lakeOf,
  partsOf,
  resultOf,
  submit,
} from './jobs.ts';

/** Shorter than the server's pause before it starts a worker again. */
const KILL_SPAN_MS = 900;

/** Longer than a worker takes for the job, and a moment in which one leaves a transaction. */
const [STUCK_MS, STEP_MS] = [20_000, 20];

let cli: Cli;
let script: string;
let root: string;
let undisturbed: LakeState;
beforeAll(async () => {
  cli = await compileCli();
  script = await compileScript(new URL('./job-worker.fixture.ts', import.meta.url));
  root = mkdtempSync(join(tmpdir(), 'runlake-jobs-'));
  const directory = mkdtempSync(join(root, 'undisturbed-'));
  expect(await start(await submitted(directory)).ended).toBe(0);
  undisturbed = await resultOf(directory);
  expect(undisturbed.findings).toEqual([]);
});
afterAll(async () => {
  await cli.remove();
  rmSync(root, { recursive: true, force: true });
});

async function submitted(directory: string): Promise<readonly string[]> {
  await submit(directory);
  return [directory, cli.modelHost];
}

function start(told: readonly string[]) {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(`${JSON.stringify(told)}\n`);
  return { child, ended: once(child, 'exit').then(([code, signal]) => signal ?? code) };
}

describe('an undisturbed job leaves the same as one', () => {
  test('whose worker dies before its run is ingested, and before it is told that it is', async () => {
    const directory = mkdtempSync(join(root, 'faults-'));
    const told = await submitted(directory);
    expect(await start([...told, 'stored']).ended).toBe('SIGKILL');
    expect(await start([...told, 'ingested']).ended).toBe('SIGKILL');
    expect(await start(told).ended).toBe(0);
    expect(await partsOf(directory)).toEqual([]);
    expect(await resultOf(directory)).toEqual(undisturbed);
  });

  test('whose worker stands still for a while and goes on when another has done it', async () => {
    const { directory, told, late } = await caughtAtWork();
    late.child.kill('SIGSTOP');
    try {
      const other = start(told);
      const ends = other.ended.then(() => true);
      // Who is stopped inside a transaction of the queue keeps everybody out of it: a moment later it is outside.
      while (!(await Promise.race([ends, sleep(STUCK_MS, false)]))) {
        late.child.kill('SIGCONT');
        await sleep(STEP_MS);
        late.child.kill('SIGSTOP');
      }
      expect(await other.ended).toBe(0);
    } finally {
      late.child.kill('SIGCONT');
    }
    expect(await late.ended).toBe(0);
    expect(await resultOf(directory)).toEqual(undisturbed);
  });
});

/** A worker of which some answers are stored; on a busy machine one may be done before that is seen. */
async function caughtAtWork() {
  for (;;) {
    const directory = mkdtempSync(join(root, 'late-'));
    const told = await submitted(directory);
    const late = start(told);
    const isDone = () => late.child.exitCode !== null;
    await until(async () => isDone() || (await partsOf(directory)).length > 0);
    if (!isDone()) return { directory, told, late };
  }
}

/** Cleans away what killed ingests have left, as if they were long dead. */
async function cleanUp(directory: string): Promise<void> {
  const { lake, close } = await lakeIn(directory);
  await checkTables(lake, undefined, { repair: true, leaseMs: 0, data: true });
  await compactTables(lake, undefined);
  expect(await checkTables(lake, undefined, { leaseMs: 0, data: true })).toMatchObject({ findings: [] });
  await close();
}

const LAUNCH = `mutation ($input: InferenceInput!) { launchInference(input: $input, maxAttempts: 1000) { id } }`;

async function launch(url: string): Promise<void> {
  const input = { ...INFERENCE, model: { ...INFERENCE.model, backend: 'ONNX' }, shards: 2 };
  const body = JSON.stringify({ query: LAUNCH, variables: { input } });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(await response.json()).toMatchObject({ data: { launchInference: { id: expect.any(String) } } });
}

const moment = (): number => Math.random() * KILL_SPAN_MS;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

describe.each([
  { kind: 'embedded', killsOwnWorker: true },
  // Here the server's worker is left to end by itself.
  { kind: 'postgres', killsOwnWorker: false },
])('a server and workers of the $kind queue', ({ kind, killsOwnWorker }) => {
  let postgres: PostgresServer | undefined;
  beforeAll(async () => {
    if (kind === 'postgres' && postgresMissing === undefined) postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  test.skipIf(kind === 'postgres' && postgresMissing !== undefined)(
    'that are killed do each job once all the same',
    async () => {
      const directory = mkdtempSync(join(root, 'server-'));
      const databaseUrl = await postgres?.database();
      const env = {
        RUNLAKE_STORE: `file:${directory}/store`,
        RUNLAKE_HOME: `${directory}/home`,
        // Long enough for a machine that is busy with other tests.
        RUNLAKE_LEASE_SECONDS: '2',
        RUNLAKE_THREADS: '1',
        RUNLAKE_LOG: 'info',
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      };
      const server = cli.start(['serve', '--port', '0'], env);
      const worker = cli.start(['worker'], env);
      const [{ url }, own] = await Promise.all([
        server.logged('ready'),
        server.logged('waiting for jobs'),
        worker.logged('waiting for jobs'),
      ]);
      await launch(String(url));
      const [first = 0, second = 0] = [moment(), moment()].sort((a, b) => a - b);
      const ownWorker = Number(String(own['worker']).split(':').at(-1));
      if (killsOwnWorker) setTimeout(() => process.kill(ownWorker, 'SIGKILL'), first);
      setTimeout(() => server.child.kill('SIGKILL'), second);
      setTimeout(() => worker.child.kill('SIGKILL'), moment());
      // The server's output ends when its worker, which writes there too, has ended.
      expect([await server.exited, await worker.exited]).toEqual(['SIGKILL', 'SIGKILL']);

      const next = cli.start(['serve', '--port', '0'], env);
      const queue =
        databaseUrl === undefined
          ? new EmbeddedQueue(join(directory, 'home/queue'))
          : await PostgresQueue.open(databaseUrl);
      await until(async () => (await queue.list({ limit: 10 })).every(({ state }) => isFinal(state)));
      const ends = await endsOf(queue);
      await queue.close();
      next.child.kill('SIGTERM');
      expect(await next.exited).toBe(0);
      expect(ends).toEqual([COMPLETED_ONCE, COMPLETED_ONCE, COMPLETED_ONCE]);
      expect(await lakeOf(directory)).toEqual(undisturbed);
      await cleanUp(directory);
      expect(await lakeOf(directory)).toEqual(undisturbed);
    },
  );
});
