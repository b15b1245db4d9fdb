import type { Job, JobEvent, JobKind } from './job.ts';
import type { EndedJob } from './queue.ts';
import type { Soon } from './work.ts';

/** What is told of a job; its number and the attempt are added when it is stored. */
export type NewEvent = Pick<JobEvent, 'at' | 'level' | 'type' | 'message'>;

/**
 * One transaction over stored jobs: all that is written through it, or nothing, and nobody else changes what it has
 * found. `TransactionalQueue` decides what is written; a store keeps its indexes, its line and its numbers of events.
 */
export interface JobTransaction {
  /** The clock of the store, in milliseconds since the epoch: machines need not agree about the time. */
  readonly now: number;
  find(id: string): Soon<Job | undefined>;
  /** The jobs that a job waits for. */
  dependenciesOf(job: Job): Soon<readonly Job[]>;
  /** The jobs that wait for it, in the order of their ids. */
  dependentsOf(id: string): Soon<readonly Job[]>;
  /** The running jobs whose leases have run out. */
  silent(): Soon<readonly Job[]>;
  /** The pending job that is first in line of those that are of these kinds and may run now. */
  first(kinds: readonly JobKind[]): Soon<Job | undefined>;
  /** Stores a new job; false when there is one of its id by now. */
  insert(job: Job): Soon<boolean>;
  /** Stores what became of a job. It is in line again when it is pending again, and leaves when it is not pending any more. */
  update(before: Job, job: Job): Soon<void>;
  /** Puts a pending job in line: it may run. Of no effect when it is there. */
  lineUp(job: Job): Soon<void>;
  /** Takes a pending job out of the line, if it is there: it has to wait for others. */
  leaveLine(job: Job): Soon<void>;
  /** Stores the next event of a job as it is now; only the latest `MAX_EVENTS` are kept. */
  tell(job: Job, event: NewEvent): Soon<void>;
  /** Wakes those who watch the job. */
  announce(job: Job): Soon<void>;
  /** The end of a job is kept elsewhere, unless something has happened to the job since. */
  recorded(end: EndedJob): Soon<void>;
}
