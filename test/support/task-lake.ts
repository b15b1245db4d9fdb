import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import type { Job } from '../../compute/jobs/job.ts';
import { boundTasks, JobService, type SubmitOptions } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import type { TaskDefinition, TaskServices } from '../../compute/tasks/task.ts';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../../ingest/report.ts';
import { type TemporaryLake, temporaryLake } from './temporary-lake.ts';

/** A lake with a queue and a worker in this process. */
export interface TaskLake extends TemporaryLake {
  readonly jobs: JobService;
  readonly services: TaskServices;
  /** What tasks have ingested, the latest last. */
  readonly reports: readonly IngestReport[];
  /** Submits a job and has so many workers do everything that is queued; gives the job as it ended. */
  run(kind: string, spec: unknown, options?: SubmitOptions, workers?: number): Promise<Job>;
  /** Does what is queued. */
  drain(signal?: AbortSignal): Promise<void>;
  sql(query: string): Promise<Record<string, unknown>[]>;
}

export async function taskLake(
  env: NodeJS.ProcessEnv = {},
  own: Pick<TaskServices, 'modelHost' | 'checkpointMs'> = {},
  definitions: readonly TaskDefinition[] = TASKS,
): Promise<TaskLake> {
  const temporary = await temporaryLake();
  const { directory, lake, writer } = temporary;
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 60_000, backoffMs: 1 });
  const jobs = new JobService(queue, lake.store, definitions);
  const reports: IngestReport[] = [];
  const services: TaskServices = {
    lake,
    store: lake.store,
    scratch: directory,
    env,
    ...own,
    async ingest(key, { signal }) {
      const report = await ingest(writer, [`${lake.store.uri}/${key}`], { families: FAMILIES, env, signal });
      reports.push(report);
      return report;
    },
  };
  let workers = 0;
  const drain = async (signal = new AbortController().signal): Promise<void> => {
    const tasks = boundTasks(definitions, services);
    workers += 1;
    await runWorker(queue, { id: `test-${workers}`, tasks, drain: true, signal, idleMs: 5, beatMs: 100 });
  };
  return {
    ...temporary,
    jobs,
    services,
    reports,
    drain,
    async run(kind, spec, options = {}, count = 1) {
      const { id } = await jobs.submit(kind, spec, options);
      await Promise.all(Array.from({ length: count }, () => drain()));
      return (await queue.get(id))!;
    },
    async sql(query) {
      const snapshot = await lake.snapshot();
      const { columns, rows } = await lake.sandboxedQuery(snapshot, query);
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
    },
    async remove() {
      await queue.close();
      await temporary.remove();
    },
  };
}
