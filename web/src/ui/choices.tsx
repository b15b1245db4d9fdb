import { type ReactNode, useId, useState } from 'react';

export interface Choice {
  readonly value: string;
  readonly label?: string;
  /** Said beside it, e.g. how many there are. */
  readonly note?: string;
}

export interface ChoicesProps {
  readonly title: string;
  readonly choices: readonly Choice[];
  readonly chosen: readonly string[];
  readonly choose: (chosen: readonly string[]) => void;
}

/** Choices beyond which they can be searched. */
const MANY = 16;
/** Most that are listed at once. */
const SHOWN = 100;

/** Boxes to tick, in the order of the choices; searched where there are many. */
export function Choices({ title, choices, chosen, choose }: ChoicesProps): ReactNode {
  const id = useId();
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const matching = choices.filter(({ value, label = value }) => label.toLowerCase().includes(wanted));
  const toggle = (value: string) =>
    choose(
      choices
        .map((choice) => choice.value)
        .filter((one) => (one === value ? !chosen.includes(one) : chosen.includes(one))),
    );
  return (
    <fieldset className="choices">
      <legend>{title}</legend>
      {choices.length > MANY && (
        <input
          type="search"
          aria-label={`Search ${title.toLowerCase()}`}
          placeholder={`Search ${choices.length}`}
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
      )}
      {matching.slice(0, SHOWN).map(({ value, label = value, note }) => (
        <label key={value} htmlFor={`${id} ${value}`}>
          <input
            id={`${id} ${value}`}
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={() => toggle(value)}
          />{' '}
          <span>{label}</span> {note !== undefined && <span className="quiet">{note}</span>}
        </label>
      ))}
      {matching.length === 0 && <p className="quiet">None is like this.</p>}
      {matching.length > SHOWN && <p className="quiet">and {matching.length - SHOWN} more: search them</p>}
    </fieldset>
  );
}
