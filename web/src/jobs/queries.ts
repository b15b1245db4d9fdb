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
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  attempt: z.number(),
  maxAttempts: z.number(),
  cancelRequested: z.boolean(),
  progress,
});

export type JobRow = z.infer<typeof job>;
export type JobProgress = z.infer<typeof progress>;

const FIELDS = `id kind state createdAt startedAt finishedAt attempt maxAttempts cancelRequested
  progress { stage done total fraction unit rate eta }`;

export const JOBS = {
  query: `{ jobs(first: 100) { nodes { ${FIELDS} } totalCount } }`,
  schema: z.object({ jobs: z.object({ nodes: z.array(job), totalCount: z.number() }) }),
};

export const JOB = {
  query: `query ($id: ID!) { job(id: $id) {
    ${FIELDS} owner worker spec result failure { code message } events(first: 500) { seq at attempt level type message }
  } }`,
  schema: z.object({
    job: job
      .extend({
        owner: z.string().nullable(),
        worker: z.string().nullable(),
        spec: z.unknown(),
        result: z.unknown(),
        failure: z.object({ code: z.string(), message: z.string() }).nullable(),
        events: z.array(
          z.object({
            seq: z.number(),
            at: z.string(),
            level: z.string(),
            type: z.string(),
            message: z.string(),
          }),
        ),
      })
      .nullable(),
  }),
};

export const CANCEL = 'mutation ($id: ID!) { cancelJob(id: $id) { id } }';
export const RETRY = 'mutation ($id: ID!) { retryJob(id: $id) { id } }';

const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'SKIPPED', 'CANCELLED']);

export function hasEnded({ state }: Pick<JobRow, 'state'>): boolean {
  return ENDED.has(state);
}
