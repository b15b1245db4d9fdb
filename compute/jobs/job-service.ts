import type { z } from 'zod';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { type ErrorLocation, RunlakeError } from '../../lake/errors.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { inSpan, SpanKind, traceOrigin } from '../../lake/telemetry.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../tasks/task.ts';
import { JOB_KINDS, type Job, type JobKind } from './job.ts';
import { type JobQueue, newJobId } from './queue.ts';
import type { NewJob } from './transitions.ts';
import { PermanentTaskError, type Task } from './worker.ts';

/** A specification is not what the task needs. `problems` has all of them. */
export class InvalidSpecError extends RunlakeError {
  readonly code = 'INVALID_SPEC';
  readonly problems: readonly (ErrorLocation & { readonly message: string })[];
  constructor(kind: string, issues: readonly { path: readonly PropertyKey[]; message: string }[]) {
    const problems = issues.map(({ path, message }) => ({
      pointer: path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      message,
    }));
    const [first] = problems;
    super(
      `the specification of the ${kind} job is wrong: ${problems.map(({ pointer, message }) => `${pointer || '(all of it)'}: ${message}`).join('; ')}`,
      {
        ...(first && { where: { pointer: first.pointer } }),
        remedy: `see \`runlake submit ${kind} --help\``,
      },
    );
    this.problems = problems;
  }
}

/** This server knows no such kind of job. */
export class UnknownKindError extends RunlakeError {
  readonly code = 'UNKNOWN_JOB_KIND';
  constructor(kind: string, known: readonly string[]) {
    super(`there are no ${kind} jobs`, { expected: `one of ${known.join(', ')}` });
  }
}

export interface SubmitOptions extends Pick<NewJob, 'priority' | 'dependsOn' | 'owner' | 'maxAttempts'> {
  /** Id of the job; default: a new one. Under an id that is known nothing is launched: that job comes back as it is. */
  readonly id?: string;
}

/** Launches jobs: checks what is asked for, writes it to the store, and queues it. */
export class JobService {
  readonly queue: JobQueue;
  readonly tasks: ReadonlyMap<JobKind, TaskDefinition>;
  readonly #store: ObjectStore;

  constructor(queue: JobQueue, store: ObjectStore, tasks: readonly TaskDefinition[]) {
    this.queue = queue;
    this.#store = store;
    this.tasks = new Map(tasks.map((task) => [task.kind, task]));
  }

  /**
   * Launches a job. One whose specification asks for several jobs side by side comes back as the last of them, which waits
   * for the others.
   * @throws UnknownKindError, InvalidSpecError, UnknownDependencyError
   */
  async submit(kind: string, spec: unknown, options: SubmitOptions = {}): Promise<Job> {
    const task = this.#task(kind);
    const checked = checkSpec(task, spec);
    const { id, ...shared } = options;
    const known = id === undefined ? undefined : await this.queue.get(id);
    if (known !== undefined) return known;
    const several = task.split?.(checked);
    if (several === undefined) return this.#launch(task, checked, options);
    const ids: string[] = [];
    for (const part of several.parts) ids.push((await this.#launch(task, part, shared)).id);
    return this.#launch(task, several.merge(ids), { ...options, dependsOn: ids });
  }

  #launch(
    { kind }: TaskDefinition,
    spec: unknown,
    { id = newJobId(), ...options }: SubmitOptions,
  ): Promise<Job> {
    const json = jsonOf(spec);
    const launch = async (): Promise<Job> => {
      // Written before it is queued: a worker on another machine finds what it is to do, and so does who asks in a year.
      const document = { id, kind, spec: json, submittedAt: new Date().toISOString(), ...options };
      await this.#store.put(
        `${jobPrefix(id)}/spec.json`,
        Buffer.from(`${JSON.stringify(document, null, 2)}\n`),
      );
      return this.queue.submit({ id, kind, spec: json, ...options, origin: traceOrigin() });
    };
    const attributes = { 'runlake.job.id': id, 'runlake.job.kind': kind };
    return inSpan(`launch ${kind}`, attributes, launch, { kind: SpanKind.PRODUCER });
  }

  #task(kind: string): TaskDefinition {
    const known = JOB_KINDS.find((one) => one === kind);
    const task = known && this.tasks.get(known);
    if (task === undefined) throw new UnknownKindError(kind, [...this.tasks.keys()]);
    return task;
  }
}

/** The specification with its defaults. A member that the task does not know is a slip of somebody. @throws InvalidSpecError */
function checkSpec(task: TaskDefinition, spec: unknown): unknown {
  const parsed = task.spec.safeParse(spec);
  if (!parsed.success) throw new InvalidSpecError(task.kind, parsed.error.issues);
  const unknown = unknownMembers(spec, parsed.data);
  if (unknown.length > 0)
    throw new InvalidSpecError(
      task.kind,
      unknown.map((path) => ({ path, message: 'there is no such member' })),
    );
  return parsed.data;
}

/** Places of what was given and is not in what came of it: zod leaves out what an object does not know. */
function unknownMembers(given: unknown, kept: unknown, path: readonly string[] = []): string[][] {
  if (typeof given !== 'object' || given === null || typeof kept !== 'object' || kept === null) return [];
  const members = new Map<string, unknown>(Object.entries(kept));
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const place = [...path, name];
    return members.has(name) ? unknownMembers(value, members.get(name), place) : [place];
  });
}

function jsonOf(spec: unknown): JsonValue {
  return JSON.parse(JSON.stringify(spec)) as JsonValue;
}

/** The tasks as a worker runs them, with what they work with. */
export function boundTasks(
  tasks: readonly TaskDefinition[],
  services: TaskServices,
): Readonly<Partial<Record<JobKind, Task>>> {
  return Object.fromEntries(
    tasks.map((task): [JobKind, Task] => [
      task.kind,
      async (context) => task.run(parseQueued(task, context.job.spec), context, services),
    ]),
  );
}

/** A job may have been queued by another version. */
function parseQueued<Spec>(
  { kind, spec: schema }: { kind: string; spec: z.ZodType<Spec> },
  spec: JsonValue,
): Spec {
  const parsed = schema.safeParse(spec);
  if (parsed.success) return parsed.data;
  const { code, message } = new InvalidSpecError(kind, parsed.error.issues);
  throw new PermanentTaskError(code, message);
}
