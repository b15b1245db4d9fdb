import type { JobProgress } from '../compute/jobs/job.ts';

/** How far a job is, for a person: `generate, 320 of 598, 812 tokens/s, 4 s left`. */
export function progressText({ stage, done, total, unit, rate, eta }: JobProgress, now: number): string {
  const parts = [stage];
  if (total !== null) parts.push(`${done} of ${total}`);
  else if (done > 0) parts.push(String(done));
  if (rate !== null) parts.push(`${shortNumber(rate)} ${unit ?? 'items'}/s`);
  if (eta !== null && done !== total) parts.push(`${duration(eta - now)} left`);
  return parts.join(', ');
}

function shortNumber(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}

/** `8 s`, `12 min`, `3 h 20 min`, rounded up. */
function duration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
