import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { isFinal, type JobKind } from '../../compute/jobs/job.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { PostgresQueue } from '../../compute/jobs/postgres-queue.ts';
import type { JobQueue } from '../../compute/jobs/queue.ts';
import { chaosEvaluationTask } from '../../compute/tasks/chaos/evaluation/evaluation.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { checkTables, compactTables } from '../../src/upkeep.ts';
import { type Cli, compileCli } from '../support/cli.ts';
import { demoModel } from '../support/demo-model.ts';
import { survivesKills } from '../support/kills.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { compileScript } from '../support/ts-script.ts';

const WORKER_KILLS = 43;
/** Shorter than the server's pause before it starts a worker again. */
const KILL_SPAN_MS = 900;
const PROMPTS = 12;
const EVALUATION_KILLS = 8;

const spec = {
  model: { backend: 'onnx', path: `${demoModel}checkpoint`, id: 'runlake/demo', threads: 1, batchSize: 4 },
  questions: `${demoModel}data/qa/country_capital.jsonl`,
  promptTemplate: 'Question: {question}\nAnswer:',
  limit: PROMPTS,
  maxTokens: 8,
  capture: true,
  layers: [3, -1],
  date: '2026-03-04',
};

/** What jobs leave in the lake, but for what names the attempt or tells its time. */
const ROWS = `
  SELECT 'runs' AS t, count(*) AS n, sum(hash(run_id, n_generations, n_predictions, n_activations, n_issues, status)) AS h FROM runs
  UNION ALL SELECT 'generations', count(*), sum(hash(run_id, example_id, prompt, response, halu, activation_key)) FROM generations
  UNION ALL SELECT 'predictions', count(*), sum(hash(run_id, example_id, score_halu, label_halu)) FROM predictions
  UNION ALL SELECT 'metrics', count(*), sum(hash(run_id, metric, source, value)) FROM metrics
  UNION ALL SELECT 'run_stores', count(*), sum(hash(run_id, store_id, n_activations)) FROM run_stores
  UNION ALL SELECT 'activations', count(*), sum(hash(store_id, activation_key, segment, layer, token_index, norm, vector)) FROM activations
  UNION ALL SELECT 'tokens', count(*), sum(hash(store_id, activation_key, token_index, token_id, logprob)) FROM tokens
  ORDER BY t`;

/** The rows of a directory's lake, and what is wrong with it; young leftovers of killed ingests are no finding. */
async function lakeOf(directory: string) {
  const { lake, close } = await lakeIn(directory);
  const { rows } = await lake.sandboxedQuery(await lake.snapshot(), ROWS);
  const { findings } = await checkTables(lake, undefined);
  await close();
  return { rows, findings };
}

/** Cleans away what killed ingests have left, as if they were long dead. */
async function cleanUp(directory: string): Promise<void> {
  const { lake, close } = await lakeIn(directory);
  await checkTables(lake, undefined, { repair: true, leaseMs: 0, data: true });
  await compactTables(lake, undefined);
  expect(await checkTables(lake, undefined, { leaseMs: 0, data: true })).toMatchObject({ findings: [] });
  await close();
}

/** How often the jobs have ended, and as what. */
async function endsOf(queue: JobQueue): Promise<unknown[]> {
  const ends: unknown[] = [];
  for (const { id, state, failure } of await queue.list({ limit: 10 })) {
    const events = await queue.events(id);
    const times = events.filter(({ type, message }) => type === 'state' && message === 'completed').length;
    ends.push({ state, failure, times });
  }
  return ends;
}

const COMPLETED_ONCE = { state: 'completed', failure: null, times: 1 };

let cli: Cli;
let root: string;
beforeAll(async () => {
  cli = await compileCli();
  root = mkdtempSync(join(tmpdir(), 'runlake-jobs-'));
});
afterAll(async () => {
  await cli.remove();
  rmSync(root, { recursive: true, force: true });
});

let undisturbed: Awaited<ReturnType<typeof lakeOf>>;

async function submitted(
  directory: string,
  kind: JobKind = 'inference',
  what: object = spec,
): Promise<readonly string[]> {
  const queue = new EmbeddedQueue(join(directory, 'queue'));
  const tasks = [inferenceTask, chaosEvaluationTask];
  const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), tasks);
  await jobs.submit(kind, what, { maxAttempts: 1000 });
  await queue.close();
  return [directory, cli.modelHost];
}

async function resultOf(directory: string): Promise<Awaited<ReturnType<typeof lakeOf>>> {
  const queue = new EmbeddedQueue(join(directory, 'queue'));
  expect(await endsOf(queue)).toEqual([COMPLETED_ONCE]);
  await queue.close();
  return lakeOf(directory);
}

/** The answers that are stored until the run is in the lake. */
async function partsOf(directory: string): Promise<string[]> {
  const parts: string[] = [];
  for await (const { key } of new LocalStore(join(directory, 'store')).list({ prefix: 'jobs/' }))
    if (key.includes('/parts/')) parts.push(key);
  return parts;
}

const worker = new URL('./job-worker.fixture.ts', import.meta.url);

test(`a job whose worker is killed ${WORKER_KILLS} times leaves in the lake what an undisturbed one does`, async () => {
  undisturbed = await survivesKills({
    script: worker,
    kills: WORKER_KILLS,
    // A worker spends more time on loading its program than on its job: two share that, and are killed together.
    together: 2,
    prepare: (directory) => submitted(directory),
    async result(directory) {
      expect(await partsOf(directory)).toEqual([]);
      return resultOf(directory);
    },
  });
  const count = (table: string) => undisturbed.rows.find(([name]) => name === table)?.[1];
  expect(count('runs')).toBe(1n);
  expect(count('generations')).toBe(BigInt(PROMPTS));
  expect(count('activations')).toBeGreaterThan(BigInt(PROMPTS * 2));
  expect(undisturbed.findings).toEqual([]);
}, 300_000);

/** Some answers are invalid, and asked for again. */
const evaluation = {
  model: { backend: 'mock', mock: { mode: 'random', texts: ['yes', 'no', 'perhaps'], delaySeconds: 0.005 } },
  dataset: fileURLToPath(new URL('../../examples/chaosbench', import.meta.url)),
  maxItems: 16,
  runId: 'evaluation',
};

/** The files of the one run of a directory, but for what tells when it was made. */
function runFiles(directory: string): Record<string, string> {
  const store = join(directory, 'store');
  const jobs = readdirSync(join(store, 'jobs')).filter((name) => name.startsWith('job-'));
  const run = join(store, 'jobs', jobs[0]!, 'runs/evaluation');
  const read = (name: string): string => readFileSync(join(run, name), 'utf8');
  return Object.fromEntries(
    readdirSync(run).map((name) => [name, read(name).replace(/"(created_utc|resumed_from)": .*/g, '')]),
  );
}

test(`so does an evaluation whose worker is killed ${EVALUATION_KILLS} times: its files have the same bytes`, async () => {
  const { files, findings } = await survivesKills({
    script: worker,
    kills: EVALUATION_KILLS,
    together: 4,
    prepare: (directory) => submitted(directory, 'chaos_eval', evaluation),
    result: async (directory) => ({ ...(await resultOf(directory)), files: runFiles(directory) }),
  });
  expect(findings).toEqual([]);
  expect(Object.keys(files)).toHaveLength(4);
  expect(files['predictions.jsonl']!.trim().split('\n')).toHaveLength(evaluation.maxItems);
}, 300_000);

describe('so does a job', () => {
  let script: string;
  beforeAll(async () => {
    script = await compileScript(worker);
  });

  const start = (told: readonly string[]) => {
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`${JSON.stringify(told)}\n`);
    return { child, ended: once(child, 'exit').then(([code, signal]) => signal ?? code) };
  };

  test('whose worker dies before its run is ingested, and before it is told that it is', async () => {
    const directory = mkdtempSync(join(root, 'faults-'));
    const told = await submitted(directory);
    expect(await start([...told, 'stored']).ended).toBe('SIGKILL');
    expect(await start([...told, 'ingested']).ended).toBe('SIGKILL');
    expect(await start(told).ended).toBe(0);
    expect(await partsOf(directory)).toEqual([]);
    expect(await resultOf(directory)).toEqual(undisturbed);
  }, 120_000);

  test('whose worker stands still for a while and goes on when another has done it', async () => {
    const directory = mkdtempSync(join(root, 'late-'));
    const told = await submitted(directory);
    const late = start(told);
    await until(async () => (await partsOf(directory)).length > 0);
    late.child.kill('SIGSTOP');
    try {
      expect(await start(told).ended).toBe(0);
    } finally {
      late.child.kill('SIGCONT');
    }
    expect(await late.ended).toBe(0);
    expect(await resultOf(directory)).toEqual(undisturbed);
  }, 120_000);
});

const LAUNCH = `mutation ($input: InferenceInput!) { launchInference(input: $input, maxAttempts: 1000) { id } }`;

async function launch(url: string): Promise<void> {
  const input = { ...spec, model: { ...spec.model, backend: 'ONNX' }, shards: 2 };
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
    180_000,
  );
});
