import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { JOB_KINDS, JOB_STATES, type Job as JobRecord } from '../../compute/jobs/job.ts';
import type { SelectJobs } from '../../compute/jobs/queue.ts';
import { PageInfo } from './connections.ts';
import { DateTimeScalar, JsonScalar } from './scalars.ts';

/** An enum whose GraphQL names are the capitals of its values. */
function enumOf<T extends string>(values: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(values.map((value) => [value.toUpperCase(), value]));
}

export const JobStateEnum = enumOf(JOB_STATES);
registerEnumType(JobStateEnum, {
  name: 'JobState',
  description: 'PENDING waits for a worker, another job or a retry; the last four are final.',
});

export const JobKindEnum = enumOf(JOB_KINDS);
registerEnumType(JobKindEnum, { name: 'JobKind' });

@ObjectType({ description: 'How far a job is.', simpleResolvers: true })
export class JobProgress {
  @Field(() => String, { description: 'What is being done.' })
  stage!: string;

  @Field(() => Float)
  done!: number;

  @Field(() => Float, { nullable: true })
  total!: number | null;

  @Field(() => Float, { nullable: true, description: 'done / total, between 0 and 1.' })
  fraction!: number | null;

  @Field(() => String, { nullable: true, description: 'What `rate` counts, e.g. tokens.' })
  unit!: string | null;

  @Field(() => Float, { nullable: true, description: 'Units a second over the last half minute.' })
  rate!: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it should end.' })
  eta!: string | null;
}

@ObjectType({ simpleResolvers: true })
export class JobFailure {
  @Field(() => String)
  code!: string;

  @Field(() => String)
  message!: string;
}

@ObjectType({ description: 'Something that happened to a job, or a line of its log.', simpleResolvers: true })
export class JobEvent {
  @Field(() => Int, { description: 'Position among the events of the job, from 1.' })
  seq!: number;

  @Field(() => DateTimeScalar)
  at!: string;

  @Field(() => Int)
  attempt!: number;

  @Field(() => String, { description: 'debug, info, warn or error.' })
  level!: string;

  @Field(() => String, { description: '`state` for changes of state, `log` for lines of the task.' })
  type!: string;

  @Field(() => String)
  message!: string;
}

@ObjectType({ description: 'Something that a worker does, or did.', simpleResolvers: true })
export class Job {
  @Field(() => ID)
  id!: string;

  @Field(() => JobKindEnum)
  kind!: string;

  @Field(() => JobStateEnum)
  state!: string;

  @Field(() => Int, { description: 'Higher goes first.' })
  priority!: number;

  @Field(() => JsonScalar, { description: 'What was asked for, with defaults.' })
  spec!: unknown;

  @Field(() => [ID], { description: 'Jobs that have to be completed before.' })
  dependsOn!: readonly string[];

  @Field(() => String, { nullable: true })
  owner!: string | null;

  @Field(() => DateTimeScalar)
  createdAt!: string;

  @Field(() => DateTimeScalar)
  updatedAt!: string;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Begin of the last attempt.' })
  startedAt!: string | null;

  @Field(() => DateTimeScalar, { nullable: true })
  finishedAt!: string | null;

  @Field(() => Int, { description: 'Attempts begun.' })
  attempt!: number;

  @Field(() => Int)
  maxAttempts!: number;

  @Field(() => String, { nullable: true, description: 'The worker that holds it, or held it last.' })
  worker!: string | null;

  @Field(() => Boolean, { description: 'Whether its worker was asked to stop.' })
  cancelRequested!: boolean;

  @Field(() => JobProgress, { nullable: true })
  progress!: JobProgress | null;

  @Field(() => JobFailure, {
    nullable: true,
    description: 'What the last attempt failed with, or why the job was skipped or cancelled.',
  })
  failure!: JobFailure | null;

  @Field(() => JsonScalar, { nullable: true, description: 'What the task gave, e.g. ids of runs.' })
  result!: unknown;
}

@ObjectType({ simpleResolvers: true })
export class JobEdge {
  @Field(() => String)
  cursor!: string;

  @Field(() => Job)
  node!: Job;
}

@ObjectType({ simpleResolvers: true })
export class JobConnection {
  @Field(() => [JobEdge])
  edges!: readonly JobEdge[];

  @Field(() => [Job])
  nodes!: readonly Job[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;

  /** What is counted when `totalCount` is asked for. */
  select!: SelectJobs;
}

@InputType({ description: 'All of them hold.' })
export class JobFilter {
  @Field(() => [JobStateEnum], { nullable: true, description: 'In one of these states.' })
  states?: string[];

  @Field(() => [JobKindEnum], { nullable: true, description: 'Of one of these kinds.' })
  kinds?: string[];
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : time(ms);
}

/** A job as its GraphQL object. */
export function jobObject(job: JobRecord): Job {
  const { progress } = job;
  return {
    ...job,
    createdAt: time(job.createdAt),
    updatedAt: time(job.updatedAt),
    startedAt: maybeTime(job.startedAt),
    finishedAt: maybeTime(job.finishedAt),
    progress: progress && {
      ...progress,
      fraction: progress.total ? Math.min(1, progress.done / progress.total) : null,
      eta: maybeTime(progress.eta),
    },
  };
}
