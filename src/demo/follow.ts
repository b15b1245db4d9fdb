import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type Job, type JobProgress } from '../../compute/jobs/job.ts';
import type { JobQueue } from '../../compute/jobs/queue.ts';
import { progressText } from '../progress.ts';
import type { DemoJob } from './launch.ts';

interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

const LOOK_MS = 300;
/** Between two lines about one stage. */
const LINE_MS = 3000;

/**
 * Tells how the jobs of the demo go: a line when a stage begins, one every few seconds of a long stage, one when a job ends.
 * @returns whether all are completed; undefined when it was interrupted
 */
export async function followDemo(
  queue: JobQueue,
  demo: readonly DemoJob[],
  logger: Logger,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const told = demo.map(({ job }) => new Teller(job));
  while (!signal.aborted) {
    for (const [i, { step, job: queued }] of demo.entries()) {
      const teller = told[i]!;
      if (teller.isDone) continue;
      const job = (await queue.get(queued.id)) ?? queued;
      const news = teller.newsOf(job, Date.now());
      if (news === undefined) continue;
      const text = `demo ${i + 1}/${demo.length} ${step.name}: ${news}`;
      if (job.state === 'failed' || job.state === 'skipped') logger.warn({ job: job.id }, text);
      else logger.info({}, text);
    }
    if (told.every(({ isDone }) => isDone)) return told.every(({ state }) => state === 'completed');
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** What has been told of one job. */
class Teller {
  state: Job['state'];
  #last: JobProgress | undefined;
  #at = 0;

  constructor({ state }: Job) {
    this.state = state;
  }

  get isDone(): boolean {
    return isFinal(this.state);
  }

  newsOf(job: Job, now: number): string | undefined {
    this.state = job.state;
    if (this.isDone) return endText(job);
    const { progress } = job;
    if (job.state !== 'running' || progress === null) return undefined;
    const isSameStage = stageName(progress) === stageName(this.#last);
    if (isSameStage && (progress.done === this.#last?.done || now < this.#at + LINE_MS)) return undefined;
    this.#last = progress;
    this.#at = now;
    return progressText(progress, now);
  }
}

/** A stage without the counts that some have in their names. */
function stageName(progress: JobProgress | undefined): string | undefined {
  return progress?.stage.replace(/\d+/g, '');
}

function endText({ id, state, failure, startedAt, finishedAt }: Job): string {
  if (state === 'completed') {
    const seconds = startedAt === null || finishedAt === null ? 0 : (finishedAt - startedAt) / 1000;
    return `completed in ${seconds.toFixed(1)} s`;
  }
  const why = failure === null ? '' : `: ${failure.message}`;
  return `${state}${why} (\`runlake logs ${id}\` says more, \`runlake retry ${id}\` tries again)`;
}
