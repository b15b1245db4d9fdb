import { useEffect, useRef, useState } from 'react';
import { z } from 'zod';
import { useAddress } from '../ui/use-address.ts';
import { EXAMPLES } from './examples.ts';
import { type Draft, draftFrom, draftOf, MODES, type Mode, parametersOf, ROW_LIMITS } from './view.ts';

const KEY = 'runlake.console.drafts';
/** How long the address waits for the next letter: browsers allow few changes of it a second. */
const PAUSE_MS = 300;

type Drafts = Readonly<Record<Mode, Draft>>;

const kept = z.object({ mode: z.enum(MODES), drafts: z.record(z.string(), z.unknown()) });

function firstDraft(mode: Mode): Draft {
  const example = EXAMPLES.find((one) => one.mode === mode);
  return { mode, query: example?.query ?? '', variables: example?.variables ?? '', rows: ROW_LIMITS[0] };
}

/** What this tab had in its editors. */
function keptDrafts(): { mode: Mode; drafts: Drafts } {
  let text: unknown;
  try {
    text = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  } catch {
    text = null;
  }
  const { mode = MODES[0], drafts = {} } = kept.safeParse(text).data ?? {};
  const draft = (name: Mode) => ({ ...(draftFrom(drafts[name]) ?? firstDraft(name)), mode: name });
  return { mode, drafts: { graphql: draft('graphql'), sql: draft('sql') } };
}

export interface UsedDrafts {
  readonly draft: Draft;
  /** Changes the draft of the mode that is shown. */
  readonly edit: (change: Partial<Omit<Draft, 'mode'>>) => void;
  /** Shows a mode, with a draft or with its own. */
  readonly open: (mode: Mode, draft?: Partial<Omit<Draft, 'mode'>>) => void;
  /** Whether the draft is too long for an address, so that no link leads to it. */
  readonly unlinked: boolean;
}

/** A draft a mode; the one that is shown is in the address, both are kept while the tab is open. */
export function useDrafts(): UsedDrafts {
  const { parameters, show } = useAddress();
  const [{ mode, drafts }, set] = useState(() => {
    const before = keptDrafts();
    const linked = draftOf(parameters);
    return linked === undefined
      ? before
      : { mode: linked.mode, drafts: { ...before.drafts, [linked.mode]: linked } };
  });
  const draft = drafts[mode];
  const own = parametersOf(draft);
  const written = useRef(parameters.toString());

  // Somebody went to another address of the console.
  useEffect(() => {
    const text = parameters.toString();
    if (text === written.current) return;
    written.current = text;
    const linked = draftOf(parameters);
    if (linked === undefined) return;
    set((before) => ({ mode: linked.mode, drafts: { ...before.drafts, [linked.mode]: linked } }));
  }, [parameters]);

  useEffect(() => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ mode, drafts }));
    } catch {
      // The tab keeps no more than it can.
    }
    const timer = setTimeout(() => {
      const next = parametersOf(drafts[mode]) ?? new URLSearchParams(mode === MODES[0] ? {} : { mode });
      const shown = new URLSearchParams(location.search).get('doc');
      if (shown !== null) next.set('doc', shown);
      if (next.toString() === new URLSearchParams(location.search).toString()) return;
      written.current = next.toString();
      show(next);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [mode, drafts, show]);

  const open = (next: Mode, change: Partial<Omit<Draft, 'mode'>> = {}) =>
    set((before) => ({
      mode: next,
      drafts: { ...before.drafts, [next]: { ...before.drafts[next], ...change } },
    }));
  return { draft, edit: (change) => open(mode, change), open, unlinked: own === undefined };
}
