import { runAddress } from '../runs/address.ts';

const JOBS: ReadonlySet<string> = new Set(['dependsOn', 'resume', 'merge']);
const RUNS: ReadonlySet<string> = new Set(['runId', 'runIds', 'apply', 'ids']);

/** The page of what a member of a specification or a result names, if it names a job or a run. */
export function addressOf(member: string, text: string): string | undefined {
  if (JOBS.has(member)) return `/jobs/${encodeURIComponent(text)}`;
  // The `runId` of a new run may be its name alone.
  return RUNS.has(member) && text.includes('/') ? runAddress(text) : undefined;
}

/** The job whose results a run was read from, by where they lie. */
export function jobOf(sourceUri: string | null): string | undefined {
  return /\/jobs\/(job-[\w-]+)\/runs\//.exec(sourceUri ?? '')?.[1];
}
