import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { isRefused, Refused } from './token.tsx';

export function Loading({ what }: { what: string }): ReactNode {
  return (
    <p className="state" role="status">
      <span className="spinner" aria-hidden="true" /> Loading {what}…
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }): ReactNode {
  return <p className="state">{children}</p>;
}

/** What went wrong and what can be done about it. */
export function Failure({ error, again }: { error: Error; again?: () => void }): ReactNode {
  if (isRefused(error)) return <Refused />;
  const code = error instanceof ApiError ? error.code : 'UNEXPECTED_ANSWER';
  return (
    <div className="state failure" role="alert">
      <p>
        <strong>
          {error instanceof ApiError ? error.message : 'the server answered something unexpected'}
        </strong>{' '}
        <code>{code}</code>
      </p>
      {error instanceof ApiError && error.remedy !== undefined && <p>{error.remedy}</p>}
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** An answer in all its states; `children` draws it once it is there. */
export function Answer<T>(props: {
  result: UseQueryResult<T>;
  what: string;
  children: (data: T) => ReactNode;
}): ReactNode {
  const { result, what, children } = props;
  if (result.isPending) return <Loading what={what} />;
  if (result.isError) return <Failure error={result.error} again={() => void result.refetch()} />;
  return children(result.data);
}
