/**
 * A worker of its own for tests that kill it: its name as argument; it begins when standard input names the directory of the
 * store and the queue, and ends when the queue is empty. It has no lake: ingests that are killed have a test of their own.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';

const [id = ''] = process.argv.slice(2);
const [line] = await once(process.stdin.setEncoding('utf8'), 'data');
process.stdin.destroy();
const directory = String(line).trim();
const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
const tasks = boundTasks([inferenceTask], {
  get lake(): never {
    throw new Error('an endpoint needs no lake');
  },
  store: new LocalStore(join(directory, 'store')),
  scratch: directory,
  env: {},
  ingest: async () => ({ runs: [], issues: [] }),
});
const { signal } = new AbortController();
await runWorker(queue, { id, tasks, drain: true, signal, idleMs: 5, beatMs: 30 });
await queue.close();
