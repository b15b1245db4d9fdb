import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError } from '../errors.ts';

/** @throws CancelledError when the caller has aborted */
export function checkSignal(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new CancelledError(what, signal.reason);
}

/** Resolves after `ms` milliseconds. @throws CancelledError as soon as the signal aborts */
export async function sleep(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw new CancelledError(what, error);
  }
}
