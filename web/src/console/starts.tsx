import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Popup } from '../ui/popup.tsx';
import { Time } from '../ui/time.tsx';
import { FILLED } from './catalog.ts';
import { examplesFor } from './examples.ts';
import { pastDrafts } from './history.ts';
import type { UsedDrafts } from './use-drafts.ts';

/** Letters of a query that tell it from others. */
const SHOWN = 90;

/** Where to start from: examples that this lake can answer, and what was run before. */
export function Starts({ open }: Pick<UsedDrafts, 'open'>): ReactNode {
  return (
    <>
      <Popup label="Examples">
        <Examples open={open} />
      </Popup>
      <Popup label="History">
        <History open={open} />
      </Popup>
    </>
  );
}

function Examples({ open }: Pick<UsedDrafts, 'open'>): ReactNode {
  const { data } = useAnswer(FILLED);
  const filled = new Set(data?.lake.tables.flatMap(({ name, rows }) => (rows > 0 ? [name] : [])));
  const examples = examplesFor(filled);
  if (data !== undefined && examples.length === 0) return <p className="quiet">The lake is empty.</p>;
  return (
    <ul className="queries">
      {examples.map(({ title, about, mode, query, variables = '' }) => (
        <li key={title}>
          <button
            type="button"
            className="plain"
            onClick={({ currentTarget }) => {
              open(mode, { query, variables });
              close(currentTarget);
            }}
          >
            {title}
          </button>{' '}
          <span className="badge">{mode === 'sql' ? 'SQL' : 'GraphQL'}</span>
          <p className="quiet">{about}</p>
        </li>
      ))}
    </ul>
  );
}

function History({ open }: Pick<UsedDrafts, 'open'>): ReactNode {
  const past = pastDrafts();
  if (past.length === 0) return <p className="quiet">What is run in this browser is remembered here.</p>;
  return (
    <ul className="queries">
      {past.map(({ mode, at, ...draft }) => (
        <li key={at}>
          <button
            type="button"
            className="plain"
            onClick={({ currentTarget }) => {
              open(mode, draft);
              close(currentTarget);
            }}
          >
            <code>{draft.query.trim().replaceAll(/\s+/g, ' ').slice(0, SHOWN)}</code>
          </button>
          <p className="quiet">
            {mode === 'sql' ? 'SQL' : 'GraphQL'}, <Time iso={at} />
          </p>
        </li>
      ))}
    </ul>
  );
}

/** Closes the panel that something was chosen in. */
function close(chosen: Element): void {
  chosen.closest('details')?.removeAttribute('open');
}
