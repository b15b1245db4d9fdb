import type { JobRow } from './queries.ts';

/** What the list of jobs shows; it lives in the address. */
export interface JobsView {
  /** A state, or `OPEN` for jobs that have not ended; '' for all. */
  readonly state: string;
  /** '' for all. */
  readonly kind: string;
}

/** Choices of states, and the states they mean. */
export const STATES: Readonly<Record<string, readonly string[]>> = {
  OPEN: ['PENDING', 'RUNNING'],
  PENDING: ['PENDING'],
  RUNNING: ['RUNNING'],
  COMPLETED: ['COMPLETED'],
  FAILED: ['FAILED'],
  SKIPPED: ['SKIPPED'],
  CANCELLED: ['CANCELLED'],
};

export const STATE_TITLES: Readonly<Record<string, string>> = {
  OPEN: 'not ended',
  PENDING: 'pending',
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  CANCELLED: 'cancelled',
};

export function viewOf(address: URLSearchParams): JobsView {
  const state = address.get('state')?.toUpperCase() ?? '';
  const kind = address.get('kind')?.toUpperCase() ?? '';
  return { state: Object.hasOwn(STATES, state) ? state : '', kind: /^\w+$/.test(kind) ? kind : '' };
}

export function addressOf({ state, kind }: JobsView): URLSearchParams {
  return new URLSearchParams({
    ...(state !== '' && { state: state.toLowerCase() }),
    ...(kind !== '' && { kind: kind.toLowerCase() }),
  });
}

/** The `filter` of the API. */
export function filterOf({ state, kind }: JobsView): {
  readonly states?: readonly string[];
  readonly kinds?: readonly string[];
} {
  const states = STATES[state];
  return { ...(states && { states }), ...(kind !== '' && { kinds: [kind] }) };
}

/** Whether the list has a job in it. */
export function shows({ state, kind }: JobsView, job: Pick<JobRow, 'state' | 'kind'>): boolean {
  return (STATES[state]?.includes(job.state) ?? true) && (kind === '' || job.kind === kind);
}
