/**
 * A worker for tests that kill it: does what the queue in a directory holds, `[directory]`. It has no lake: ingests that are
 * killed have a test of their own.
 */
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { assignment } from '../support/victim.ts';

const [directory = ''] = await assignment();
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
await runWorker(queue, { id: `worker-${process.pid}`, tasks, drain: true, signal, idleMs: 5, beatMs: 30 });
await queue.close();
