import { z } from 'zod';
import type { Job } from '../../compute/jobs/job.ts';
import type { JobService } from '../../compute/jobs/job-service.ts';
import { newJobId } from '../../compute/jobs/queue.ts';
import { writtenOnce } from '../../compute/tasks/contract-run/provenance.ts';
import type { Lake } from '../../lake/lake.ts';
import { type DemoStep, demoSteps } from './steps.ts';

/** In the store: which jobs the demo of this lake are. */
const RECORD = 'demo/jobs.json';

const recordSchema = z.object({
  /** Part of the identity of the runs. */
  date: z.string(),
  /** Ids of jobs by the name of the step. */
  jobs: z.record(z.string(), z.string()),
});

/** A step of the demo that is queued, or done. */
export interface DemoJob {
  readonly step: DemoStep;
  readonly job: Job;
}

/**
 * Queues the jobs of the demo, once for a lake: a later call gives the same jobs, queues those that an interruption has kept
 * from being queued, and gives those that failed another try.
 * @returns undefined for a lake that has runs of its own
 */
export async function launchDemo(
  jobs: JobService,
  lake: Lake,
  signal: AbortSignal,
  steps: (date: string) => Promise<readonly DemoStep[]> = demoSteps,
): Promise<readonly DemoJob[] | undefined> {
  const { store } = lake;
  const isBegun = (await store.head(RECORD, { signal })) !== undefined;
  if (!isBegun && (await lake.snapshot({}, { signal })).runs.size > 0) return undefined;
  // Written before anything is queued: whoever goes on queues the same jobs under the same ids.
  const { date, jobs: ids } = await writtenOnce(store, RECORD, recordSchema, signal, () => newRecord(steps));
  const launched: DemoJob[] = [];
  for (const step of await steps(date)) {
    const id = ids[step.name];
    // The demo of another version had other steps.
    if (id === undefined) continue;
    const dependsOn = step.after.flatMap((name) => ids[name] ?? []);
    const job = await jobs.submit(step.kind, step.spec, { id, dependsOn });
    launched.push({ step, job: job.state === 'failed' ? await jobs.queue.retry(id) : job });
  }
  return launched;
}

async function newRecord(steps: typeof demoSteps): Promise<z.infer<typeof recordSchema>> {
  const date = new Date().toISOString().slice(0, 10);
  // Lists of jobs are sorted by their ids.
  const ids = (await steps(date)).map(({ name }) => [name, newJobId()]);
  return { date, jobs: Object.fromEntries(ids) };
}
