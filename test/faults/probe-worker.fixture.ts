/**
 * Workers for tests that kill them: each does the probe jobs that the queue in a directory holds, `[directory]`, on the lake that is
 * there. What they write is not ingested: ingests that are killed have a test of their own.
 */
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { probeTask } from '../../compute/tasks/probe/probe.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { assignments } from '../support/victim.ts';

await assignments(async ([directory = '']) => {
  const { lake, close } = await lakeIn(directory);
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
  const tasks = boundTasks([probeTask], {
    lake,
    store: lake.store,
    scratch: directory,
    env: {},
    checkpointMs: 0,
    ingest: async () => ({ runs: [], issues: [] }),
  });
  const { signal } = new AbortController();
  await runWorker(queue, { id: `worker-${process.pid}`, tasks, drain: true, signal, idleMs: 5, beatMs: 30 });
  await queue.close();
  await close();
});
