import { table } from './columns.ts';
import type { Column } from './schema.ts';

const jobId: Column = { name: 'job_id', type: 'string', nullable: false, doc: 'Id of the job.' };
const attempt: Column = {
  name: 'attempt',
  type: 'integer',
  nullable: false,
  doc: 'Attempts begun; 0 for a job that ended without one.',
};

export const JOBS = table({
  name: 'jobs',
  doc: 'One row a job that has ended; the queue has those that have not.',
  sortBy: ['job_id'],
  columns: [
    jobId,
    { name: 'kind', type: 'string', nullable: false, doc: 'inference, evaluation, probe, fv or chaos_eval.' },
    {
      name: 'state',
      type: 'string',
      nullable: false,
      doc: 'How it ended: completed, failed, skipped or cancelled.',
    },
    { name: 'priority', type: 'integer', nullable: false, doc: 'Higher went first.' },
    { name: 'owner', type: 'string', doc: 'Who asked for it, where that is known.' },
    { name: 'spec', type: 'json', nullable: false, doc: 'What was asked for, with defaults.' },
    { name: 'depends_on', type: 'string[]', nullable: false, doc: 'Jobs that it waited for.' },
    attempt,
    { name: 'max_attempts', type: 'integer', nullable: false, doc: 'Attempts it was allowed.' },
    { name: 'worker', type: 'string', doc: 'The worker that held it last: host and process.' },
    { name: 'created_at', type: 'timestamp', nullable: false, doc: 'When it was queued.' },
    { name: 'started_at', type: 'timestamp', doc: 'When the last attempt began.' },
    { name: 'finished_at', type: 'timestamp', nullable: false, doc: 'When it ended.' },
    { name: 'stage', type: 'string', doc: 'What it was doing last.' },
    { name: 'done', type: 'double', doc: 'Progress in that stage.' },
    { name: 'total', type: 'double', doc: 'What `done` would have been at its end; null where nobody knew.' },
    { name: 'error_code', type: 'string', doc: 'Why it failed, was skipped or cancelled.' },
    { name: 'error_message', type: 'string', doc: 'The same in words.' },
    { name: 'run_ids', type: 'string[]', doc: 'Runs that it put into the lake; join runs on run_id.' },
    { name: 'result', type: 'json', doc: 'Everything that the task gave.' },
    { name: 'n_events', type: 'long', nullable: false, doc: 'Position of its last event.' },
  ],
});

export const JOB_EVENTS = table({
  name: 'job_events',
  doc: 'One row a change of state and a line of the log of a job that has ended; of many lines the last 10,000 of each life of the job.',
  sortBy: ['job_id', 'seq'],
  columns: [
    jobId,
    { name: 'seq', type: 'long', nullable: false, doc: 'Position among the events of the job, from 1.' },
    { name: 'time', type: 'timestamp', nullable: false, doc: 'When it happened.' },
    attempt,
    { name: 'level', type: 'string', nullable: false, doc: 'debug, info, warn or error.' },
    {
      name: 'type',
      type: 'string',
      nullable: false,
      doc: '`state` for changes of state, `log` for lines of the task.',
    },
    { name: 'message', type: 'string', nullable: false, doc: 'What happened.' },
  ],
});

/** Tables of rows that no run names: all of them are current, and no ingest wrote them. */
export const JOB_TABLES = [JOB_EVENTS, JOBS] as const;
