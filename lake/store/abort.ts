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

/** The result of work that others wait for too: a caller that aborts stops waiting, and the work goes on. @throws CancelledError */
export async function unlessAborted<T>(
  shared: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return shared;
  checkSignal(signal, what);
  let leave: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(new CancelledError(what, signal.reason));
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([shared, aborted]);
  } finally {
    if (leave !== undefined) signal.removeEventListener('abort', leave);
  }
}
