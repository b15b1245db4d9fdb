import { type ReactNode, useId, useState } from 'react';
import { isRecord, type Members, membersOf, read, type Slot } from './draft.ts';

interface AsJsonProps {
  readonly slots: readonly Slot[];
  readonly draft: Members;
  readonly begin: (draft: Members) => void;
}

/** The same values as the variables of the mutation: to take away, and to bring in. */
export function AsJson({ slots, draft, begin }: AsJsonProps): ReactNode {
  const id = useId();
  const [own, setOwn] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const text = own ?? JSON.stringify(read(slots, draft).value, undefined, 2);
  const use = () => {
    try {
      const value: unknown = JSON.parse(text);
      if (!isRecord(value)) throw new TypeError('expected an object with the arguments of the mutation');
      const unknown = Object.keys(value).filter((name) => !slots.some((slot) => slot.name === name));
      if (unknown.length > 0) throw new TypeError(`there is no argument ${unknown.join(', ')}`);
      begin(membersOf(slots, value));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <details className="as-json">
      <summary>As JSON</summary>
      <label htmlFor={id} className="help">
        The variables of the mutation, as a program would send them
      </label>
      <textarea
        id={id}
        rows={Math.min(24, text.split('\n').length + 1)}
        spellCheck={false}
        value={text}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onChange={({ target }) => {
          setOwn(target.value);
          setProblem(undefined);
        }}
      />
      {problem !== undefined && (
        <p className="problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
      <p>
        <button type="button" disabled={own === undefined} onClick={use}>
          Fill the form with it
        </button>
      </p>
    </details>
  );
}
