import { linter } from '@codemirror/lint';
import { type Extension, StateEffect, StateField } from '@codemirror/state';
import type { Mark } from '../request.ts';

/** Shows what the server found wrong, until the text changes. */
export const setMarks = StateEffect.define<readonly Mark[]>();

const marks = StateField.define<readonly Mark[]>({
  create: () => [],
  update(shown, { docChanged, effects }) {
    for (const effect of effects) if (effect.is(setMarks)) return effect.value;
    return docChanged ? [] : shown;
  },
});

export const marking: Extension = [
  marks,
  linter(
    ({ state }) =>
      state
        .field(marks)
        .filter(({ to }) => to <= state.doc.length)
        .map((mark) => ({ ...mark, severity: 'error' })),
    {
      delay: 0,
      needsRefresh: ({ startState, state }) => startState.field(marks) !== state.field(marks),
    },
  ),
];
