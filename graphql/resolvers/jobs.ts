import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { z } from 'zod';
import { isFinal, type JobKind, type Job as JobRecord, type JobState } from '../../compute/jobs/job.ts';
import type { JobService } from '../../compute/jobs/job-service.ts';
import type { TaskDefinition } from '../../compute/tasks/task.ts';
import { TASKS } from '../../compute/tasks/tasks.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, NotAvailableError } from '../errors.ts';
import { endable } from '../subscriptions.ts';
import { Job, JobConnection, JobEvent, JobFilter, jobObject } from '../types/job.ts';
import { launchField, pascal } from '../types/launch-names.ts';
import { inputOf } from '../types/spec-input.ts';

/** Jobs a page at most; every one is a read of the queue. */
const MAX_JOBS = 500;

function jobsOf({ jobs }: RequestContext): JobService {
  if (jobs !== undefined) return jobs;
  throw new NotAvailableError('this server has no queue of jobs', {
    remedy: 'start it with a RUNLAKE_HOME or a DATABASE_URL',
  });
}

/** What may be looked up as the id of a job: queues have no keys of any other kind. @throws BadUserInputError */
function jobId(argument: string, id: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(id)) return id;
  throw new BadUserInputError(argument, 'is no id of a job', { expected: 'an id such as `jobs` lists' });
}

@ArgsType()
class JobsArguments {
  @Field(() => JobFilter, { nullable: true })
  filter?: JobFilter | null;

  @Field(() => Int, { defaultValue: 50 })
  first!: number;

  @Field(() => String, { nullable: true, description: '`endCursor` of the page before.' })
  after?: string | null;
}

/** How a job is queued, beside what it is to do. */
@ArgsType()
class LaunchArguments {
  @Field(() => Int, { defaultValue: 0, description: 'Higher goes first.' })
  priority!: number;

  @Field(() => [ID], { nullable: true, description: 'Jobs that have to be completed before.' })
  dependsOn?: string[] | null;

  @Field(() => Int, { nullable: true, description: 'How often it is tried.' })
  maxAttempts?: number | null;
}

@Resolver(() => JobConnection)
export class JobConnectionResolver {
  @FieldResolver(() => Int, {
    description: 'Jobs that match, whatever the page; computed only when asked for.',
  })
  totalCount(@Root() { select }: JobConnection, @Ctx() context: RequestContext): Promise<number> {
    return jobsOf(context).queue.count(select);
  }
}

@Resolver(() => Job)
export class JobsResolver {
  @Query(() => JobConnection, { description: 'Jobs, the latest first.' })
  async jobs(
    @Args(() => JobsArguments) { filter, first, after }: JobsArguments,
    @Ctx() context: RequestContext,
  ): Promise<JobConnection> {
    const { queue } = jobsOf(context);
    if (first < 0 || first > MAX_JOBS)
      throw new BadUserInputError('first', `is ${first}`, { expected: `between 0 and ${MAX_JOBS}` });
    const select = {
      ...(filter?.states && { states: filter.states as JobState[] }),
      ...(filter?.kinds && { kinds: filter.kinds as JobKind[] }),
    };
    const found = await queue.list({
      ...select,
      limit: first + 1,
      ...(after && { before: jobId('after', after) }),
    });
    const nodes = found.slice(0, first).map(jobObject);
    return {
      nodes,
      edges: nodes.map((node) => ({ cursor: node.id, node })),
      pageInfo: { hasNextPage: found.length > first, endCursor: nodes.at(-1)?.id ?? null },
      select,
    };
  }

  @Query(() => Job, { nullable: true })
  async job(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Job | null> {
    const job = await jobsOf(context).queue.get(jobId('id', id));
    return job === undefined ? null : jobObject(job);
  }

  @FieldResolver(() => [JobEvent], { description: 'What happened to it, and its log, oldest first.' })
  async events(
    @Root() job: Job,
    @Arg('after', () => Int, { defaultValue: 0, description: '`seq` of the last event that is known.' })
    after: number,
    @Arg('first', () => Int, { defaultValue: 100 }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<JobEvent[]> {
    const limit = Math.min(Math.max(first, 0), 10_000);
    const events = await jobsOf(context).queue.events(job.id, { after, limit });
    return events.map((event) => ({ ...event, at: new Date(event.at).toISOString() }));
  }

  @Mutation(() => Job, { description: 'Stops a job: at once when it waits, within seconds when it runs.' })
  async cancelJob(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Job> {
    return jobObject(await jobsOf(context).queue.cancel(jobId('id', id)));
  }

  @Mutation(() => Job, {
    description: 'Queues a job again that failed, was skipped or cancelled; what it had done is resumed.',
  })
  async retryJob(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Job> {
    return jobObject(await jobsOf(context).queue.retry(jobId('id', id)));
  }

  @Subscription(() => Job, {
    description:
      'A job as it is now, and after every change until it ends; every change of every job without an id.',
    subscribe: ({ args, context }: { args: { id?: string | null }; context: RequestContext }) =>
      endable(context.signal, (signal) => jobChanges(jobsOf(context), args.id ?? undefined, signal)),
  })
  jobUpdated(@Root() job: JobRecord, @Arg('id', () => ID, { nullable: true }) _id?: string): Job {
    return jobObject(job);
  }
}

async function* jobChanges(
  { queue }: JobService,
  id: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<JobRecord> {
  const changes = queue.watch({ signal, ...(id !== undefined && { id }) })[Symbol.asyncIterator]();
  // Asked for before the job is looked at, so that no change falls in between.
  let next = changes.next();
  if (id !== undefined) {
    const job = await queue.get(jobId('id', id));
    if (job === undefined) throw new BadUserInputError('id', `there is no job ${id}`);
    yield job;
    if (isFinal(job.state)) return;
  }
  for (;;) {
    const { value, done } = await next;
    if (done === true) return;
    next = changes.next();
    yield value;
    if (id !== undefined && isFinal(value.state)) return;
  }
}

/** Adds `launchInference(input: InferenceInput!, …): Job!` and its like, one for each task. */
function defineLaunch(task: TaskDefinition): void {
  const name = launchField(task.kind);
  if (!(task.spec instanceof z.ZodObject))
    throw new TypeError(`the specification of ${task.kind} is no object`);
  const input = inputOf(`${pascal(task.kind)}Input`, task.spec);
  const launch = async (given: object, options: LaunchArguments, context: RequestContext): Promise<Job> => {
    const { priority, dependsOn, maxAttempts } = options;
    const { addresses, principal } = context;
    const spec = plain(given);
    const job = await jobsOf(context).submit(
      task.kind,
      (await addresses?.specification(task.spec, spec)) ?? spec,
      {
        priority,
        ...(principal.tokenId !== undefined && { owner: principal.name }),
        ...(dependsOn && { dependsOn: dependsOn.map((id) => jobId('dependsOn', id)) }),
        ...(maxAttempts && { maxAttempts }),
      },
    );
    return jobObject(job);
  };
  const { prototype } = JobsResolver;
  const descriptor = { value: launch, writable: true, configurable: true };
  Object.defineProperty(prototype, name, descriptor);
  Arg('input', () => input)(prototype, name, 0);
  Args(() => LaunchArguments)(prototype, name, 1);
  Ctx()(prototype, name, 2);
  Mutation(() => Job, { description: task.doc })(prototype, name, descriptor);
}

/** A coerced argument without the nulls that stand for what was left out. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null || item === undefined ? [] : [[key, plain(item)]],
    ),
  );
}

for (const task of TASKS) defineLaunch(task);
