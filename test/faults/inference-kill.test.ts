import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { openAiServer } from '../support/openai-server.ts';
import { compileScript } from '../support/ts-script.ts';

const root = mkdtempSync(join(tmpdir(), 'runlake-inference-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Kills, spread over jobs: one that gets through needs a new one. */
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

it(`an inference job whose worker is killed ${KILLS} times writes the run of an undisturbed one`, async () => {
  const server = await openAiServer({ respond: ({ prompt }) => `answer to ${prompt}` });
  const compiled = await compileScript(new URL('./inference-worker.fixture.ts', import.meta.url));
  const spec = {
    model: { backend: 'openai', baseUrl: server.baseUrl, name: 'tiny', concurrency: 4 },
    prompts: Array.from({ length: ROWS }, (_, i) => `question ${i}`),
    evaluator: 'none',
    date: '2026-03-04',
  };
  let workers = 0;
  const start = (): ChildProcessByStdio<Writable, null, null> =>
    spawn('node', [compiled.path, `worker-${workers++}`], { stdio: ['pipe', 'inherit', 'inherit'] });
  // The next worker gets ready while one works: most of their time is spent on loading.
  let next = start();
  /** Does a job with up to `kills` kills; gives how many there were, and the files of its run. */
  const job = async (kills: number, span: number) => {
    const directory = join(root, `job-${workers}`);
    mkdirSync(directory);
    const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
    const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), [inferenceTask]);
    const { id } = await jobs.submit('inference', spec, { maxAttempts: 1000 });
    let made = 0;
    let duration = 0;
    for (;;) {
      const worker = next;
      next = start();
      const ended = once(worker, 'exit');
      worker.stdin.end(`${directory}\n`);
      const began = performance.now();
      if (made < kills) {
        const stop = new AbortController();
        const due = sleep(Math.random() * span, true, { signal: stop.signal }).catch(() => false);
        if (await Promise.race([due, ended.then(() => false)])) {
          worker.kill('SIGKILL');
          made++;
        }
        stop.abort();
      }
      const [code] = await ended;
      duration = performance.now() - began;
      if (code === 0) break;
    }
    const done = await queue.get(id);
    expect(done).toMatchObject({ state: 'completed', result: { examples: ROWS, errors: 0 } });
    expect(readdirSync(join(directory, 'store/jobs', id))).not.toContain('parts');
    const files = runFiles(join(directory, 'store/jobs', id, 'runs'), id);
    await queue.close();
    rmSync(directory, { recursive: true });
    return { made, files, duration };
  };
  const undisturbed = await job(0, 0);
  expect(Object.keys(undisturbed.files)).toHaveLength(6);
  const asked = server.seen.length;
  expect(asked).toBe(ROWS);
  for (let made = 0; made < KILLS; ) {
    const disturbed = await job(KILLS - made, undisturbed.duration);
    made += disturbed.made;
    expect(disturbed.files).toEqual(undisturbed.files);
  }
  next.kill('SIGKILL');
  await compiled.remove();
  await server.close();
}, 180_000);
