import { QueryTimeoutError } from '../../lake/engine/errors.ts';
import type { RequestContext } from '../context.ts';
import { LimitExceededError, timeIsUp } from '../errors.ts';

/** Milliseconds that the request has left. @throws LimitExceededError when none are */
function remainingTime(context: RequestContext): number {
  const left = Math.floor(context.deadline - performance.now());
  if (left <= 0) throw timeIsUp(context.limits.time);
  return left;
}

/**
 * Gives a query the request's signal and the time it has left. @throws LimitExceededError when the time is up,
 * whether the query or the request noticed first
 */
export async function inTime<T>(
  context: RequestContext,
  query: (options: { signal: AbortSignal; timeoutMs: number }) => Promise<T>,
): Promise<T> {
  const { signal, limits } = context;
  try {
    return await query({ signal, timeoutMs: remainingTime(context) });
  } catch (error) {
    if (signal.reason instanceof LimitExceededError) throw signal.reason;
    if (error instanceof QueryTimeoutError) throw timeIsUp(limits.time);
    throw error;
  }
}
