import { hostname } from 'node:os';
import type { Command } from 'commander';
import { JOB_KINDS, type JobKind } from '../../compute/jobs/job.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { recordJobs } from '../../compute/jobs/recorder.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { UsageError } from '../errors.ts';
import { openQueue, taskServices } from '../jobs.ts';
import { openLogger } from '../log.ts';
import { WorkMetrics } from '../metrics/work-metrics.ts';
import { withWriter } from '../session.ts';
import { answerParent } from '../worker-counts.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printJson,
  withCommonOptions,
} from './shared.ts';

const LONGEST_BEAT_MS = 1_000;

interface WorkerCommandOptions extends CommonOptions {
  readonly drain?: boolean;
  readonly kinds?: string;
  readonly id?: string;
  readonly memory?: string;
  readonly threads?: string;
}

export function workerCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Takes jobs from the queue, one after the other, and puts their results into the lake. Needs the store and the queue\n' +
        '(DATABASE_URL, or RUNLAKE_HOME of the same machine), nothing else. A job whose worker dies is taken over and resumed.\n' +
        'Ctrl-C stops the job at hand and gives it back.',
    )
    .option('--drain', 'end when the queue is empty (for batch systems such as SLURM)')
    .option('--kinds <list>', `only these kinds of job: ${JOB_KINDS.join(', ')}`)
    .option('--id <name>', 'name of this worker (host and process otherwise)')
    .option('--memory <size>', 'memory of the query engine, e.g. 4GB [RUNLAKE_MEMORY]')
    .option('--threads <n>', 'threads [RUNLAKE_THREADS]')
    .addHelpText(
      'after',
      '\nExamples:\n  runlake worker\n  DATABASE_URL=postgres://… runlake worker --drain --kinds inference,fv\n',
    )
    .action(async (options: WorkerCommandOptions) => {
      const config = configOf(options);
      const wanted = kindsOf(options.kinds);
      const logger = openLogger(config.log, process.stderr);
      const signal = interruptSignal();
      endWithParent();
      const id = options.id ?? `${hostname()}:${process.pid}`;
      const done = await withWriter(config, signal, async (writer) => {
        const metrics = new WorkMetrics('worker', () => writer.lake.cacheCounts);
        answerParent(metrics);
        const queue = await openQueue(config, { onLeaseLost: (job) => metrics.leaseLost(job) });
        try {
          const tasks = boundTasks(
            TASKS.filter(({ kind }) => wanted.has(kind)),
            await taskServices(config, writer, metrics.ingested.bind(metrics)),
          );
          logger.info({ worker: id, queue: queue.uri, kinds: Object.keys(tasks) }, 'waiting for jobs');
          const { drain = false } = options;
          // Several beats a lease: one may be late.
          const beatMs = Math.min(LONGEST_BEAT_MS, (config.leaseSeconds * 1000) / 5);
          const record = (stop: AbortSignal) => recordJobs(queue, writer, { signal: stop });
          const onAttempt = metrics.attempted.bind(metrics);
          return await runWorker(queue, { id, tasks, signal, logger, drain, beatMs, record, onAttempt });
        } finally {
          await queue.close();
        }
      });
      if (options.json) printJson(done);
      else if (options.drain) print(`${done.jobs} jobs done; the queue is empty`);
    });
}

/** The worker of a server does not outlive it, however that ends. */
function endWithParent(): void {
  const end = (): boolean => process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', end);
  // It may have ended while this process was loading.
  if (process.connected === false) end();
  // Listening alone is no reason to stay.
  process.channel?.unref();
}

/** @throws UsageError */
export function kindsOf(list: string | undefined): ReadonlySet<JobKind> {
  if (list === undefined) return new Set(JOB_KINDS);
  return new Set(
    list.split(',').map((name) => {
      const kind = JOB_KINDS.find((one) => one === name.trim());
      if (kind === undefined)
        throw new UsageError(`there is no kind of job ${name}; there are ${JOB_KINDS.join(', ')}`);
      return kind;
    }),
  );
}
