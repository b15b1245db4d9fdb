import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JobService } from '../compute/jobs/job-service.ts';
import type { JobQueue, QueueOptions } from '../compute/jobs/queue.ts';
import type { TaskServices } from '../compute/tasks/task.ts';
import { TASKS } from '../compute/tasks/tasks.ts';
import { FAMILIES } from '../ingest/families/families.ts';
import { type IngestOptions, ingest } from '../ingest/pipeline/ingest.ts';
import { openStore } from '../lake/store/open-store.ts';
import type { LakeWriter } from '../lake/writer.ts';
import type { Config } from './config.ts';
import { storeEnvironment } from './session.ts';

/** The queue that a configuration names: PostgreSQL with DATABASE_URL, else a directory of RUNLAKE_HOME. */
export async function openQueue(
  config: Config,
  watching: Pick<QueueOptions, 'onLeaseLost'> = {},
): Promise<JobQueue> {
  const options = { leaseMs: config.leaseSeconds * 1000, ...watching };
  if (config.databaseUrl !== undefined) {
    const { PostgresQueue } = await import('../compute/jobs/postgres-queue.ts');
    return PostgresQueue.open(config.databaseUrl, options);
  }
  const { EmbeddedQueue } = await import('../compute/jobs/embedded-queue.ts');
  return new EmbeddedQueue(join(config.home, 'queue'), options);
}

/** Runs `work` with the jobs of a configuration, and closes their queue. */
export async function withJobs<T>(config: Config, work: (jobs: JobService) => Promise<T>): Promise<T> {
  const store = await openStore(config.store, { env: storeEnvironment(config) });
  const queue = await openQueue(config);
  try {
    return await work(new JobService(queue, store, TASKS));
  } finally {
    await queue.close();
  }
}

/** What the tasks of a worker work with. */
export async function taskServices(
  config: Config,
  writer: LakeWriter,
  onRun?: IngestOptions['onRun'],
): Promise<TaskServices> {
  const env = storeEnvironment(config);
  const { lake } = writer;
  const scratch = join(config.home, 'jobs');
  await mkdir(scratch, { recursive: true });
  return {
    lake,
    store: lake.store,
    scratch,
    env,
    ingest: (key, { signal }) =>
      ingest(writer, [`${lake.store.uri}/${key}`], { families: FAMILIES, env, signal, onRun }),
  };
}
