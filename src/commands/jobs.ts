import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { JobNotFoundError } from '../../compute/jobs/errors.ts';
import { isFinal, JOB_STATES, type Job, type JobEvent, type JobState } from '../../compute/jobs/job.ts';
import type { JobQueue } from '../../compute/jobs/queue.ts';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { messageOf } from '../../lake/errors.ts';
import { UsageError } from '../errors.ts';
import { withJobs } from '../jobs.ts';
import { progressText } from '../progress.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printAnswer,
  printJson,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';
import { specHelp } from './spec-help.ts';
import { kindsOf } from './worker.ts';

/** How often a followed job is looked at. */
const FOLLOW_MS = 300;

interface SubmitOptions extends CommonOptions {
  readonly priority?: string;
  readonly after?: string;
  readonly attempts?: string;
  readonly wait?: boolean;
}

interface ListOptions extends CommonOptions {
  readonly state?: string;
  readonly kinds?: string;
  readonly limit: string;
}

export function submitCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Checks a specification (a JSON file, - for standard input, or the JSON itself) and queues the job.',
    )
    .option('--priority <n>', 'higher goes first', '0')
    .option('--after <jobs>', 'ids of jobs that have to be completed before, separated by commas')
    .option('--attempts <n>', 'how often it is tried')
    .option('--wait', 'follow the job until it ends; exit code 1 unless it is completed')
    .addHelpText('after', () => {
      const named = TASKS.filter(({ kind }) => process.argv.includes(kind));
      const kinds = TASKS.map(({ kind, doc }) => `  ${kind.padEnd(12)} ${doc}`).join('\n');
      const specs = named
        .map(({ kind, spec }) => `\nSpecification of ${kind}:\n${specHelp(spec)}\n`)
        .join('');
      return `\nKinds (\`submit <kind> --help\` has the specification):\n${kinds}\n${specs}`;
    })
    .action(async (kind: string, spec: string, options: SubmitOptions) => {
      const parsed = await readSpec(spec);
      await withJobs(configOf(options), async (jobs) => {
        const job = await jobs.submit(kind, parsed, {
          priority: integer('--priority', options.priority ?? '0'),
          ...(options.after !== undefined && { dependsOn: options.after.split(',') }),
          ...(options.attempts !== undefined && { maxAttempts: wholeNumber('--attempts', options.attempts) }),
        });
        if (options.wait !== true) return printAnswer(options, job, () => job.id);
        const ended = await follow(jobs.queue, job.id, options.json === true);
        if (options.json) printJson(ended);
        if (ended.state !== 'completed') process.exitCode = 1;
      });
    });
}

export function jobsCommand(command: Command): void {
  withCommonOptions(command)
    .option('--state <list>', `only these: ${JOB_STATES.join(', ')}`)
    .option('--kinds <list>', 'only these kinds')
    .option('--limit <n>', 'how many', '20')
    .action(async (id: string | undefined, options: ListOptions) => {
      await withJobs(configOf(options), async ({ queue }) => {
        if (id !== undefined) {
          const job = await known(queue, id);
          return printAnswer(options, job, describeJob);
        }
        const jobs = await queue.list({
          limit: wholeNumber('--limit', options.limit),
          ...(options.state !== undefined && { states: statesOf(options.state) }),
          ...(options.kinds !== undefined && { kinds: [...kindsOf(options.kinds)] }),
        });
        printAnswer(options, jobs, () => (jobs.length === 0 ? 'no jobs' : jobs.map(jobLine).join('\n')));
      });
    });
}

/** A command that changes the state of a job. */
function changeCommand(change: 'cancel' | 'retry'): (command: Command) => void {
  return (command) => {
    withCommonOptions(command).action(async (id: string, options: CommonOptions) => {
      await withJobs(configOf(options), async ({ queue }) => {
        const job = await queue[change](id);
        const { cancelRequested, state } = job;
        printAnswer(options, job, () => `${id}: ${cancelRequested ? 'cancellation requested' : state}`);
      });
    });
  };
}

export const cancelCommand = changeCommand('cancel');
export const retryCommand = changeCommand('retry');

export function logsCommand(command: Command): void {
  withCommonOptions(command)
    .option('-f, --follow', 'until the job ends')
    .action(async (id: string, options: CommonOptions & { readonly follow?: boolean }) => {
      await withJobs(configOf(options), async ({ queue }) => {
        await known(queue, id);
        if (options.follow === true) return void (await follow(queue, id, false));
        const events = await queue.events(id);
        if (options.json) printJson(events);
        else for (const event of events) print(eventLine(event));
      });
    });
}

async function readSpec(spec: string): Promise<unknown> {
  const source = spec.trimStart().startsWith('{')
    ? spec
    : spec === '-'
      ? await text(process.stdin)
      : await readFile(spec, 'utf8');
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new UsageError(`the specification is not JSON: ${messageOf(error)}`);
  }
}

/** Prints events as they come until the job ends, and gives the job as it ended. */
async function follow(queue: JobQueue, id: string, quiet: boolean): Promise<Job> {
  const signal = interruptSignal();
  const bar = !quiet && process.stderr.isTTY === true;
  for (let seen = 0; ; ) {
    const job = await known(queue, id);
    const events = await queue.events(id, { after: seen });
    seen = events.at(-1)?.seq ?? seen;
    if (bar) process.stderr.write('\r\x1b[K');
    if (!quiet) for (const event of events) print(eventLine(event));
    if (isFinal(job.state) || signal.aborted) return job;
    if (bar && job.progress !== null) process.stderr.write(progressText(job.progress, Date.now()));
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function known(queue: JobQueue, id: string): Promise<Job> {
  const job = await queue.get(id);
  if (job === undefined) throw new JobNotFoundError(id);
  return job;
}

function statesOf(list: string): JobState[] {
  return list.split(',').map((name) => {
    const state = JOB_STATES.find((one) => one === name.trim());
    if (state === undefined)
      throw new UsageError(`there is no state ${name}; there are ${JOB_STATES.join(', ')}`);
    return state;
  });
}

function integer(flag: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new UsageError(`${flag} ${value} is no whole number`);
  return number;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function eventLine({ at, level, message }: JobEvent): string {
  return `${time(at)} ${level.padEnd(5)} ${message}`;
}

function jobLine(job: Job): string {
  const { id, kind, state, attempt, progress, failure } = job;
  const isUnderWay = state === 'running' && progress !== null;
  const what = isUnderWay ? progressText(progress, Date.now()) : (failure?.message ?? '');
  return `${id}  ${kind.padEnd(10)}  ${state.padEnd(9)}  attempt ${attempt}  ${time(job.createdAt)}  ${what}`.trimEnd();
}

function describeJob(job: Job): string {
  const lines = Object.entries(job).map(([name, value]) => {
    const isTime = /(At|Until|Before)$/.test(name) && typeof value === 'number';
    const shown = isTime ? time(value) : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return `${name.padEnd(16)} ${shown}`;
  });
  return lines.join('\n');
}
