/**
 * Workers for tests that kill them: each does the function-vector jobs that the queue in a directory holds, `[directory]`, with the demo
 * model in the thread of both. Drawings stand for pictures, which would take most of the time, and there is no lake: ingests that are
 * killed have a test of their own.
 */
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { fvTaskWith } from '../../compute/tasks/fv/fv.ts';
import { openHere } from '../../compute/tasks/fv/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { assignments } from '../support/victim.ts';

const open = await openHere('models/demo/checkpoint');

await assignments(async ([directory = '']) => {
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
  const tasks = boundTasks([fvTaskWith(open, async (svg) => Buffer.from(svg))], {
    get lake(): never {
      throw new Error('a relation file needs no lake');
    },
    store: new LocalStore(join(directory, 'store')),
    scratch: directory,
    env: {},
    ingest: async () => ({ runs: [], issues: [] }),
  });
  const { signal } = new AbortController();
  await runWorker(queue, { id: `worker-${process.pid}`, tasks, drain: true, signal, idleMs: 5, beatMs: 30 });
  await queue.close();
});
