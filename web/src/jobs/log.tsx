import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import { Choice, useChoice } from '../ui/choice.tsx';
import { clock, count, time } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { type JobEvent, LOG, LOG_PAGE } from './queries.ts';

/** What happened to a job and its log so far. Asking again asks for what came since. */
export function useLog(id: string): UseQueryResult<readonly JobEvent[]> {
  const client = useQueryClient();
  const queryKey = ['log', id];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const events = [...(client.getQueryData<readonly JobEvent[]>(queryKey) ?? [])];
      for (;;) {
        const after = events.at(-1)?.seq ?? 0;
        const { job } = await ask(LOG.query, LOG.schema, { id, after }, signal);
        const next = job?.events ?? [];
        events.push(...next);
        if (next.length < LOG_PAGE) return events;
      }
    },
    staleTime: 0,
  });
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];
const LEVEL_TITLES: Readonly<Record<Level, string>> = {
  debug: 'all lines',
  info: 'info and above',
  warn: 'warnings and errors',
  error: 'errors',
};

function rank(level: string): number {
  return Object.keys(LEVEL_TITLES).indexOf(level);
}

/** Lines in the document at most, before somebody asks for more. */
const SHOWN = 1000;
/** Nearer to the end than this is at the end. */
const NEAR_PX = 16;

/** The log, from a level on. It goes with its end while that is in sight, and stays where a reader has scrolled to. */
export function Log({ result }: { result: UseQueryResult<readonly JobEvent[]> }): ReactNode {
  const [level = 'debug', choose] = useChoice('level', LEVELS);
  return (
    <Answer result={result} what="the log">
      {(events) => {
        const lines = events.filter((event) => rank(event.level) >= rank(level));
        return (
          <>
            <div className="filters">
              <Choice label="Show" options={LEVEL_TITLES} among={LEVELS} chosen={level} choose={choose} />
            </div>
            {lines.length === 0 ? <Empty>No such line.</Empty> : <Lines lines={lines} />}
          </>
        );
      }}
    </Answer>
  );
}

function Lines({ lines }: { lines: readonly JobEvent[] }): ReactNode {
  const box = useRef<HTMLElement>(null);
  const [follows, setFollows] = useState(true);
  const [shown, setShown] = useState(SHOWN);
  const last = lines.at(-1)?.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line moves the end
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follows, last]);
  const hidden = Math.max(0, lines.length - shown);
  return (
    <>
      <section
        className="scroll log"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        tabIndex={0}
        aria-label="Log"
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) =>
          setFollows(scrollTop + clientHeight >= scrollHeight - NEAR_PX)
        }
      >
        {hidden > 0 && (
          <button type="button" onClick={() => setShown(shown + SHOWN)}>
            Show earlier lines ({count(hidden)})
          </button>
        )}
        <ol>
          {lines.slice(hidden).map((event) => (
            <li key={event.seq} data-type={event.type} data-level={event.level}>
              <time dateTime={event.at} title={time(event.at).utc}>
                {clock(event.at)}
              </time>
              <span className="level">{event.type === 'state' ? 'state' : event.level}</span>
              <span className="text">{event.message}</span>
            </li>
          ))}
        </ol>
      </section>
      {!follows && (
        <p>
          <button type="button" onClick={() => setFollows(true)}>
            To the end
          </button>
        </p>
      )}
    </>
  );
}
