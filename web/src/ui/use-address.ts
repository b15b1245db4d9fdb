import { useCallback, useMemo } from 'react';
import { navigate, useHistoryState, useSearch } from 'wouter/use-browser-location';

export interface Address {
  readonly parameters: URLSearchParams;
  /** What the entry of the history holds beside the address. */
  readonly state: unknown;
  /** Shows the same page at other parameters, in place of the entry of the history. */
  readonly show: (parameters: URLSearchParams, state?: unknown) => void;
}

/** The parameters of the page's address, exactly: those of `wouter` are decoded once too often for ids with a percent sign. */
export function useAddress(): Address {
  const search = useSearch();
  const state = useHistoryState<unknown>();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const show = useCallback((next: URLSearchParams, nextState: unknown = null) => {
    const text = next.toString();
    navigate(location.pathname + (text === '' ? '' : `?${text}`), { replace: true, state: nextState });
  }, []);
  return { parameters, state, show };
}
