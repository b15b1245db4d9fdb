import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { survivesKills } from '../support/kills.ts';
import { openAiServer } from '../support/openai-server.ts';

const KILLS = 50;
const ROWS = 200;

/** The bytes of a run's files by name, but for what a clock or a job's id says. */
function runFiles(directory: string, jobId: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(directory.length)] = readFileSync(path, 'latin1')
      .replaceAll(jobId, 'JOB')
      .replace(/"created_at": "[^"]*"/, '')
      .replace(/"commit": "\w+",\s*"dirty": \w+/, '')
      .replace(/"generation_s":[^,]*,/g, '');
  }
  return files;
}

async function withQueue<T>(directory: string, work: (queue: EmbeddedQueue) => Promise<T>): Promise<T> {
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

it(`an inference job whose worker is killed ${KILLS} times writes the run of an undisturbed one`, async () => {
  const server = await openAiServer({ respond: ({ prompt }) => `answer to ${prompt}` });
  const spec = {
    model: { backend: 'openai', baseUrl: server.baseUrl, name: 'tiny', concurrency: 4 },
    prompts: Array.from({ length: ROWS }, (_, i) => `question ${i}`),
    evaluator: 'none',
    date: '2026-03-04',
  };
  const files = await survivesKills({
    script: new URL('./inference-worker.fixture.ts', import.meta.url),
    kills: KILLS,
    prepare: (directory) =>
      withQueue(directory, async (queue) => {
        const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), [inferenceTask]);
        await jobs.submit('inference', spec, { maxAttempts: 1000 });
        return [directory];
      }),
    result: (directory) =>
      withQueue(directory, async (queue) => {
        const [job] = await queue.list({ limit: 1 });
        expect(job).toMatchObject({ state: 'completed', result: { examples: ROWS, errors: 0 } });
        const { id } = job!;
        expect(readdirSync(join(directory, 'store/jobs', id))).not.toContain('parts');
        return runFiles(join(directory, 'store/jobs', id, 'runs'), id);
      }),
  });
  expect(Object.keys(files)).toHaveLength(6);
  await server.close();
}, 300_000);
