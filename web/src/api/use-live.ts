import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { Variables } from './client.ts';
import { follow, type LiveState, liveState, watchLiveState } from './live.ts';
import type { Question } from './use-answer.ts';

export function useLiveState(): LiveState {
  return useSyncExternalStore(watchLiveState, liveState);
}

/** Milliseconds between questions while the server cannot tell by itself; for `every` of `useAnswer`. */
export const POLL_MS = 2000;

/**
 * Follows a subscription while the component is there and `variables` are given. `missed` is called when the connection is
 * there, for the first time or again: what happened before was not told.
 */
export function useFollow<T>(
  question: Question<T>,
  variables: Variables | undefined,
  heard: (data: T) => void,
  missed: () => void,
): LiveState {
  const state = useLiveState();
  const latest = useRef({ heard, missed });
  latest.current = { heard, missed };
  const key = variables === undefined ? undefined : JSON.stringify(variables);
  useEffect(() => {
    if (key === undefined) return;
    return follow(question, JSON.parse(key) as Variables, (data) => latest.current.heard(data));
  }, [question, key]);
  useEffect(() => {
    if (state === 'live' && key !== undefined) latest.current.missed();
  }, [state, key]);
  return state;
}
