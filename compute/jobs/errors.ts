import { RunlakeError } from '../../lake/errors.ts';
import type { JobState } from './job.ts';

/** No such job. */
export class JobNotFoundError extends RunlakeError {
  readonly code = 'JOB_NOT_FOUND';
  constructor(id: string) {
    super(`there is no job ${id}`, { remedy: 'see `runlake jobs`' });
  }
}

/** What was asked for is impossible in the state that the job is in. */
export class JobStateError extends RunlakeError {
  readonly code = 'JOB_STATE';
  constructor(id: string, state: JobState, wanted: string, expected: readonly JobState[]) {
    super(`job ${id} is ${state} and cannot be ${wanted}`, { expected: expected.join(', ') });
  }
}

/**
 * The sender does not hold the job: its lease ran out and somebody else has it, or it has ended. What it was about to
 * say is refused, and it has to stop.
 */
export class LeaseLostError extends RunlakeError {
  readonly code = 'LEASE_LOST';
  constructor(id: string, attempt: number) {
    super(`attempt ${attempt} does not hold job ${id} any more`, {
      expected: 'the attempt that the queue knows as running',
    });
  }
}

/** A job waits for one that does not exist. */
export class UnknownDependencyError extends RunlakeError {
  readonly code = 'UNKNOWN_DEPENDENCY';
  constructor(id: string, dependency: string) {
    super(`job ${id} is to wait for ${dependency}, which does not exist`, {
      expected: 'ids of jobs that were submitted before',
    });
  }
}
