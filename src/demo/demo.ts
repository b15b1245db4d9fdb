import { isFinal } from '../../compute/jobs/job.ts';
import type { JobService } from '../../compute/jobs/job-service.ts';
import type { Lake } from '../../lake/lake.ts';
import { followDemo } from './follow.ts';
import { type DemoJob, launchDemo } from './launch.ts';
import { tourText } from './tour.ts';

interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface DemoOptions {
  readonly jobs: JobService;
  readonly lake: Lake;
  /** Where the server answers GraphQL. */
  readonly url: string;
  /** Whether it asks for tokens. Default: it does not. */
  readonly needsToken?: () => Promise<boolean>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Has an empty lake filled by jobs that run the demo model, tells how they go, and in the end what there is to see. Nothing
 * happens in a lake that has runs of its own, or the whole demo. Whatever goes wrong is told: the server goes on without.
 */
export async function showDemo(options: DemoOptions): Promise<void> {
  const { jobs, lake, url, needsToken = async () => false, logger, signal } = options;
  try {
    const demo = await launchDemo(jobs, lake, signal);
    if (demo === undefined || demo.every(({ job }) => isFinal(job.state))) return;
    logger.info({}, overview(demo));
    const isComplete = await followDemo(jobs.queue, demo, logger, signal);
    if (isComplete === true) logger.info({}, await tourText(url, await needsToken()));
  } catch (error) {
    if (!signal.aborted) logger.error({ err: error }, 'the demo cannot be shown');
  }
}

function overview(demo: readonly DemoJob[]): string {
  const lines = demo.map(
    ({ step, job }, i) =>
      `  ${i + 1}  ${step.name.padEnd(16)}  ${step.title}${isFinal(job.state) ? ` (${job.state})` : ''}`,
  );
  return ['demo: the model in models/demo is run; ask for anything meanwhile', ...lines].join('\n');
}
