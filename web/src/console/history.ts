import { z } from 'zod';
import { type Draft, draftFrom } from './view.ts';

/** A draft that was run. */
export interface PastDraft extends Draft {
  /** ISO 8601. */
  readonly at: string;
}

const KEPT = 20;
const KEY = 'runlake.console.history';

const stored = z.array(z.looseObject({ at: z.iso.datetime() }));

type Shelf = Pick<Storage, 'getItem' | 'setItem'>;

/** What was run in this browser, the latest first. */
export function pastDrafts(shelf: Shelf = localStorage): readonly PastDraft[] {
  try {
    const entries = stored.safeParse(JSON.parse(shelf.getItem(KEY) ?? '[]'));
    return (entries.data ?? []).flatMap(({ at, ...rest }) => {
      const draft = draftFrom(rest);
      return draft === undefined ? [] : [{ ...draft, at }];
    });
  } catch {
    return [];
  }
}

/** Remembers a draft that is run; the same one is there once. */
export function remember(draft: Draft, at: Date, shelf: Shelf = localStorage): void {
  const { mode, query, variables, rows } = draft;
  const same = (past: Draft) => past.mode === mode && past.query === query && past.variables === variables;
  const drafts = [
    { mode, query, variables, rows, at: at.toISOString() },
    ...pastDrafts(shelf).filter((past) => !same(past)),
  ].slice(0, KEPT);
  try {
    shelf.setItem(KEY, JSON.stringify(drafts));
  } catch {
    // A browser that is full or keeps nothing: a history is a convenience.
  }
}
