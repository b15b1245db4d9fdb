import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Config } from './config.ts';
import type { WorkCounts } from './metrics/work-metrics.ts';
import { askForCounts } from './worker-counts.ts';

export interface WorkerProcess {
  /** What it has counted; nothing while there is none, or it is too busy to say. */
  counts(): Promise<WorkCounts | undefined>;
  /** Lets it give back its job and end; kills it when it takes too long. */
  stop(): Promise<void>;
}

interface Logger {
  warn(details: object, message: string): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A worker that has lived this long is well: the next pause is short again. */
const HEALTHY_MS = 60_000;
const STOP_MS = 10_000;

/**
 * This program as `runlake worker` in a child process: what a task does to its memory or to native libraries cannot take
 * the server down. A worker that ends is started again, after a pause that grows while it keeps ending.
 */
export function startWorker(config: Config, logger: Logger): WorkerProcess {
  const [, program = ''] = process.argv;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let child: ChildProcess | undefined;
  let stopping = false;
  const start = (): void => {
    const began = Date.now();
    child = fork(program, ['worker'], {
      env: { ...process.env, ...environmentOf(config) },
    });
    child.once('error', (error) => logger.warn({ err: error }, 'the worker cannot be started'));
    child.once('exit', (code, signal) => {
      if (stopping) return;
      if (Date.now() - began > HEALTHY_MS) pause = FIRST_PAUSE_MS;
      logger.warn({ code, signal, pause }, 'the worker ended; it is started again');
      timer = setTimeout(start, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  };
  start();
  return {
    counts: async () => (child === undefined ? undefined : askForCounts(child)),
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const impatient = setTimeout(() => child?.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(impatient);
    },
  };
}

/** The settings of the server, whatever they came from, as the worker reads them. */
function environmentOf(config: Config): Record<string, string> {
  const { store, home, s3Endpoint, databaseUrl, cacheBytes, memory, threads, leaseSeconds, log } = config;
  return {
    RUNLAKE_STORE: store,
    RUNLAKE_HOME: home,
    RUNLAKE_CACHE_BYTES: String(cacheBytes),
    RUNLAKE_MEMORY: String(memory),
    RUNLAKE_LEASE_SECONDS: String(leaseSeconds),
    RUNLAKE_LOG: log,
    ...(s3Endpoint !== undefined && { S3_ENDPOINT: s3Endpoint }),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    ...(threads !== undefined && { RUNLAKE_THREADS: String(threads) }),
  };
}
