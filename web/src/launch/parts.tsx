import type { ReactNode } from 'react';
import type { Draft, Problem } from './draft.ts';

/** A description of the schema; what it has between backticks is code. */
export function Help({ id, text }: { id?: string; text: string | null | undefined }): ReactNode {
  if (!text) return null;
  const parts = text.split('`').map((part, i) => ({ part, isCode: i % 2 === 1, at: i }));
  return (
    <p className="help" id={id}>
      {parts.map(({ part, isCode, at }) => (isCode ? <code key={at}>{part}</code> : part))}
    </p>
  );
}

/** What is wrong at a field. */
export function Problems({ id, problems }: { id: string; problems: readonly Problem[] }): ReactNode {
  if (problems.length === 0) return null;
  return (
    <p className="problem" id={id}>
      {problems.map(({ message }) => message).join('; ')}
    </p>
  );
}

/** Says a text that cannot be seen: the empty one, a line break. */
export function Unseen({ text }: { text: Draft | undefined }): ReactNode {
  if (typeof text !== 'string' || text.trim() !== '') return null;
  return (
    <p className="help">
      It is the text <code>{JSON.stringify(text)}</code>.
    </p>
  );
}

export function LeaveOut({ change }: { change: (draft: undefined) => void }): ReactNode {
  return (
    <button type="button" className="plain" onClick={() => change(undefined)}>
      Leave it out
    </button>
  );
}
