import type { ReactNode } from 'react';
import { time } from './format.ts';

/** A time as the reader's clock has it, UTC under the pointer. */
export function Time({ iso }: { iso: string | null | undefined }): ReactNode {
  const { local, utc } = time(iso);
  return (
    <time dateTime={iso ?? undefined} title={utc}>
      {local}
    </time>
  );
}
