import { createContext, useContext } from 'react';
import type { Problem } from './draft.ts';
import { isWithin, type Pointer } from './pointer.ts';
import type { Suggestions } from './suggestions.ts';

/** What every field of a form sees. */
export interface FormContext {
  readonly problems: readonly Problem[];
  readonly suggestions: Suggestions;
}

export const FormState = createContext<FormContext>({ problems: [], suggestions: new Map() });

/** What is wrong at a place: of a field without fields in it also what is wrong further inside. */
export function useProblems(pointer: Pointer, inside: boolean): readonly Problem[] {
  const { problems } = useContext(FormState);
  return problems.filter((problem) =>
    inside ? isWithin(pointer, problem.pointer) : problem.pointer === pointer,
  );
}

/** The texts that may be meant in a member. */
export function useSuggested(member: string): readonly string[] {
  return useContext(FormState).suggestions.get(member) ?? [];
}

/** Of the control for a place, so that a summary can lead to it. */
export function fieldId(pointer: Pointer): string {
  return `field${pointer}`;
}
