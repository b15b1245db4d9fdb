import type { ReactNode } from 'react';
import { count, duration, measured } from '../ui/format.ts';
import { hasEnded, type JobRow } from './queries.ts';

/** How far a job is: stage, bar, amount, rate and what is left of it. */
export function Progress({ job }: { job: JobRow }): ReactNode {
  const { progress, startedAt, finishedAt, state } = job;
  if (hasEnded(job)) {
    if (startedAt === null || finishedAt === null) return null;
    return <>took {duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}</>;
  }
  // What an attempt that failed had reached says nothing of the next one.
  if (progress === null || state === 'PENDING') return null;
  const { stage, done, total, fraction, unit, rate, eta } = progress;
  return (
    <>
      <progress aria-label={stage} value={fraction ?? undefined} max={1} />{' '}
      <span className="quiet">
        {stage} {count(done)}
        {total === null ? '' : ` of ${count(total)}`}
        {rate === null ? '' : `, ${measured(rate)} ${unit ?? ''}/s`}
        {eta === null ? '' : `, ${duration(Math.max(0, (Date.parse(eta) - Date.now()) / 1000))} left`}
      </span>
    </>
  );
}
