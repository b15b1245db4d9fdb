import { type ReactNode, useEffect, useState } from 'react';
import { z } from 'zod';
import { dataOf, send } from '../api/client.ts';
import { CopyButton } from '../ui/copy.tsx';
import { count, measured } from '../ui/format.ts';
import { costBodyOf } from './request.ts';
import type { UsedDrafts } from './use-drafts.ts';
import { consoleAddress, type Draft, MODES, type Mode, ROW_LIMITS } from './view.ts';

const TITLES: Readonly<Record<Mode, string>> = { graphql: 'GraphQL', sql: 'SQL' };
const COST_MS = 30_000;

const costAnswer = z.object({
  explainCost: z.object({
    files: z.number(),
    bytes: z.number(),
    rows: z.coerce.number(),
    allowed: z.boolean(),
  }),
});

export interface ToolbarProps extends Pick<UsedDrafts, 'draft' | 'edit' | 'open' | 'unlinked'> {
  /** `performance.now()` when what runs began. */
  readonly since: number | undefined;
  readonly note: string;
  readonly run: () => void;
  readonly cancel: () => void;
  readonly format: () => void;
  readonly children: ReactNode;
}

export function Toolbar(props: ToolbarProps): ReactNode {
  const { draft, since, unlinked, note, edit, open, run, cancel, format, children } = props;
  const [cost, setCost] = useState<{ draft: Draft; text: string }>();
  const ask = async () => {
    setCost({ draft, text: await costOf(draft) });
  };
  return (
    <div className="toolbar">
      {MODES.map((mode) => (
        <button type="button" key={mode} aria-pressed={draft.mode === mode} onClick={() => open(mode)}>
          {TITLES[mode]}
        </button>
      ))}
      <span className="gap" />
      <button type="button" className="run" onClick={run}>
        Run
      </button>
      {since !== undefined && (
        <>
          <button type="button" onClick={cancel}>
            Cancel
          </button>
          <Elapsed since={since} />
        </>
      )}
      {draft.mode === 'graphql' ? (
        <button type="button" onClick={format}>
          Format
        </button>
      ) : (
        <label>
          at most{' '}
          <select value={draft.rows} onChange={({ target }) => edit({ rows: Number(target.value) })}>
            {ROW_LIMITS.map((rows) => (
              <option key={rows} value={rows}>
                {count(rows)} rows
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="button" onClick={() => void ask()}>
        Cost
      </button>
      {children}
      {unlinked ? (
        <span className="quiet">too long for a link: it is kept in this tab only</span>
      ) : (
        <CopyButton text={() => new URL(consoleAddress(draft), location.origin).href}>Copy link</CopyButton>
      )}
      <span role="status" className="quiet">
        {note} {cost !== undefined && cost.draft === draft && cost.text}
      </span>
    </div>
  );
}

/** What a draft would read, in words. */
async function costOf(draft: Draft): Promise<string> {
  try {
    const signal = AbortSignal.timeout(COST_MS);
    const response = await send('/graphql', costBodyOf(draft), 'application/json', signal);
    const { files, bytes, rows, allowed } = dataOf(await response.json(), costAnswer).explainCost;
    return `would read ${count(files)} files, ${measured(bytes / 1e6)} MB, ${count(rows)} rows at most${
      allowed ? '' : '; the limits of this server do not allow it'
    }`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function Elapsed({ since }: { since: number }): ReactNode {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="quiet" role="timer">
      <span className="spinner" aria-hidden="true" /> {(Math.max(0, now - since) / 1000).toFixed(1)} s
    </span>
  );
}
