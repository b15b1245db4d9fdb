import { z } from 'zod';
import type { Draft, Members } from './draft.ts';

const draft: z.ZodType<Draft> = z.lazy(() => z.union([z.string(), z.boolean(), z.array(draft), members]));
const members: z.ZodType<Members> = z.record(
  z.string(),
  z.lazy(() => draft),
);

/** Drafts of this visit, so that a reload loses nothing. `form` is the address of the form. */
const keyOf = (form: string) => `runlake.form ${form}`;

export function keptDraft(form: string): Members | undefined {
  const text = sessionStorage.getItem(keyOf(form));
  if (text === null) return undefined;
  try {
    return members.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Keeps a draft; undefined forgets it. */
export function keepDraft(form: string, value: Members | undefined): void {
  try {
    if (value === undefined) sessionStorage.removeItem(keyOf(form));
    else sessionStorage.setItem(keyOf(form), JSON.stringify(value));
  } catch {
    // A full storage keeps nothing; the form works without.
  }
}
