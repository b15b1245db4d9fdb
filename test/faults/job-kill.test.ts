import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { survivesKills } from '../support/kills.ts';
import { compileScript } from '../support/ts-script.ts';
import { PROMPTS, partsOf, resultOf, submit } from './jobs.ts';

const WORKER_KILLS = 43;
const EVALUATION_KILLS = 4;

let modelHost: string;
beforeAll(async () => {
  modelHost = await compileScript(new URL('../../compute/model/engine/host.ts', import.meta.url));
});

const worker = new URL('./job-worker.fixture.ts', import.meta.url);

test(`a job whose worker is killed ${WORKER_KILLS} times leaves in the lake what an undisturbed one does`, async () => {
  const undisturbed = await survivesKills({
    script: worker,
    kills: WORKER_KILLS,
    // A worker spends more time on loading its program than on its job: two share that, and are killed together.
    together: 2,
    async prepare(directory) {
      await submit(directory);
      return [directory, modelHost];
    },
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
});

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
    together: 2,
    async prepare(directory) {
      await submit(directory, 'chaos_eval', evaluation);
      return [directory];
    },
    result: async (directory) => ({ ...(await resultOf(directory)), files: runFiles(directory) }),
  });
  expect(findings).toEqual([]);
  expect(Object.keys(files)).toHaveLength(4);
  expect(files['predictions.jsonl']!.trim().split('\n')).toHaveLength(evaluation.maxItems);
});
