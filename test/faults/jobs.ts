import { join } from 'node:path';
import { expect } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import type { JobKind } from '../../compute/jobs/job.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import type { JobQueue } from '../../compute/jobs/queue.ts';
import { chaosEvaluationTask } from '../../compute/tasks/chaos/evaluation/evaluation.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { checkTables } from '../../src/upkeep.ts';
import { demoModel } from '../support/demo-model.ts';
import { lakeIn } from '../support/temporary-lake.ts';

/** What the tests of jobs under faults have in common. */

export const PROMPTS = 12;

export const INFERENCE = {
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

export type LakeState = Awaited<ReturnType<typeof lakeOf>>;

/** The rows of a directory's lake, and what is wrong with it; young leftovers of killed ingests are no finding. */
export async function lakeOf(directory: string) {
  const { lake, close } = await lakeIn(directory);
  const { rows } = await lake.sandboxedQuery(await lake.snapshot(), ROWS);
  const { findings } = await checkTables(lake, undefined);
  await close();
  return { rows, findings };
}

/** How often the jobs have ended, and as what. */
export async function endsOf(queue: JobQueue): Promise<unknown[]> {
  const ends: unknown[] = [];
  for (const { id, state, failure } of await queue.list({ limit: 10 })) {
    const events = await queue.events(id);
    const times = events.filter(({ type, message }) => type === 'state' && message === 'completed').length;
    ends.push({ state, failure, times });
  }
  return ends;
}

export const COMPLETED_ONCE = { state: 'completed', failure: null, times: 1 };

/** Submits a job to the queue of a directory. */
export async function submit(
  directory: string,
  kind: JobKind = 'inference',
  spec: object = INFERENCE,
): Promise<void> {
  const queue = new EmbeddedQueue(join(directory, 'queue'));
  const tasks = [inferenceTask, chaosEvaluationTask];
  const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), tasks);
  await jobs.submit(kind, spec, { maxAttempts: 1000 });
  await queue.close();
}

/** What the one job of a directory, which must have completed once, has left. */
export async function resultOf(directory: string): Promise<LakeState> {
  const queue = new EmbeddedQueue(join(directory, 'queue'));
  expect(await endsOf(queue)).toEqual([COMPLETED_ONCE]);
  await queue.close();
  return lakeOf(directory);
}

/** The answers that are stored until the run is in the lake. */
export async function partsOf(directory: string): Promise<string[]> {
  const parts: string[] = [];
  for await (const { key } of new LocalStore(join(directory, 'store')).list({ prefix: 'jobs/' }))
    if (key.includes('/parts/')) parts.push(key);
  return parts;
}
