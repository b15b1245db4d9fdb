import { checkSignal, sleep } from './abort.ts';

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  /** Upper bound of the first pause; it doubles with every failure. */
  readonly baseMs: number;
  /** No pause is longer. */
  readonly capMs: number;
}

/** Waits about 6 s in all: long enough for a throttled bucket or a restarting server, short for a wrong address. */
export const defaultRetry: RetryPolicy = { attempts: 8, baseMs: 100, capMs: 5_000 };

/**
 * How long to pause after the given number of failures (1 or more): uniform in [0, min(cap, base * 2^(n-1))),
 * the "full jitter" that spreads competing clients best
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number = Math.random): number {
  return random() * Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1));
}

export interface RetryOptions {
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  /** Names the work in a `CancelledError`. */
  readonly what: string;
  /** For tests. */
  readonly pause?: (ms: number) => Promise<void>;
}

/**
 * Runs `operation` until it succeeds, fails for good, or the attempts are used up; throws its last error.
 * @throws CancelledError when the signal aborts between two tries
 */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  isTransient: (error: unknown) => boolean,
  options: RetryOptions,
): Promise<T> {
  const policy = options.policy ?? defaultRetry;
  const pause = options.pause ?? ((ms) => sleep(ms, options.signal, options.what));
  for (let attempt = 1; ; attempt++) {
    checkSignal(options.signal, options.what);
    try {
      return await operation(attempt);
    } catch (error) {
      if (attempt >= policy.attempts || !isTransient(error)) throw error;
      await pause(backoffMs(policy, attempt));
    }
  }
}
