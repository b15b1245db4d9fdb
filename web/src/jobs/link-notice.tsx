import type { ReactNode } from 'react';
import type { LiveState } from '../api/live.ts';
import { POLL_MS } from '../api/use-live.ts';

/** Says it when the page is not told of changes any more. */
export function LinkNotice({ link }: { link: LiveState }): ReactNode {
  return (
    <p className="notice" role="status">
      {link === 'broken' &&
        `The server does not tell of changes at the moment; this page asks every ${POLL_MS / 1000} seconds instead, and tries to listen again.`}
    </p>
  );
}
