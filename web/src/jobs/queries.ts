import { z } from 'zod';

const progress = z
  .object({
    stage: z.string(),
    done: z.number(),
    total: z.number().nullable(),
    fraction: z.number().nullable(),
    unit: z.string().nullable(),
    rate: z.number().nullable(),
    eta: z.string().nullable(),
  })
  .nullable();

const job = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  attempt: z.number(),
  maxAttempts: z.number(),
  cancelRequested: z.boolean(),
  owner: z.string().nullable(),
  worker: z.string().nullable(),
  progress,
});

export type JobRow = z.infer<typeof job>;
export type JobProgress = z.infer<typeof progress>;

const FIELDS = `id kind state createdAt updatedAt startedAt finishedAt attempt maxAttempts cancelRequested owner worker
  progress { stage done total fraction unit rate eta }`;

const jobPage = z.object({
  nodes: z.array(job),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
});
export type JobPageOfList = z.infer<typeof jobPage>;

/** A page of jobs, the latest first. */
export const JOBS = {
  query: `query ($filter: JobFilter, $after: String) { jobs(filter: $filter, after: $after, first: 100) {
    nodes { ${FIELDS} } pageInfo { hasNextPage endCursor }
  } }`,
  schema: z.object({ jobs: jobPage }),
};

export const JOB_COUNT = {
  query: 'query ($filter: JobFilter) { jobs(filter: $filter, first: 0) { totalCount } }',
  schema: z.object({ jobs: z.object({ totalCount: z.number() }) }),
};

/** The kinds that this server knows. */
export const JOB_KINDS = {
  query: '{ __type(name: "JobKind") { enumValues { name } } }',
  schema: z.object({ __type: z.object({ enumValues: z.array(z.object({ name: z.string() })) }) }),
};

/** Every change of every job, without its log. */
export const JOBS_CHANGED = {
  query: `subscription { jobUpdated { ${FIELDS} } }`,
  schema: z.object({ jobUpdated: job }),
};

const detail = job.extend({
  priority: z.number(),
  dependsOn: z.array(z.string()),
  spec: z.unknown(),
  result: z.unknown(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type JobDetail = z.infer<typeof detail>;

const DETAIL = `${FIELDS} priority dependsOn spec result failure { code message }`;

export const JOB = {
  query: `query ($id: ID!) { job(id: $id) { ${DETAIL} } }`,
  schema: z.object({ job: detail.nullable() }),
};

/** The job as it is now, and after every change until it ends. */
export const JOB_CHANGED = {
  query: `subscription ($id: ID) { jobUpdated(id: $id) { ${DETAIL} } }`,
  schema: z.object({ jobUpdated: detail }),
};

const event = z.object({
  seq: z.number(),
  at: z.string(),
  attempt: z.number(),
  level: z.string(),
  type: z.string(),
  message: z.string(),
});
export type JobEvent = z.infer<typeof event>;

/** Events of a page of the log. */
export const LOG_PAGE = 1000;

export const LOG = {
  query: `query ($id: ID!, $after: Int!) { job(id: $id) {
    events(after: $after, first: ${LOG_PAGE}) { seq at attempt level type message }
  } }`,
  schema: z.object({ job: z.object({ events: z.array(event) }).nullable() }),
};

export const CANCEL = 'mutation ($id: ID!) { cancelJob(id: $id) { id } }';
export const RETRY = 'mutation ($id: ID!) { retryJob(id: $id) { id } }';

const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'SKIPPED', 'CANCELLED']);

export function hasEnded({ state }: Pick<JobRow, 'state'>): boolean {
  return ENDED.has(state);
}
