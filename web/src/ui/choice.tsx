import type { ReactNode } from 'react';
import { useAddress } from './use-address.ts';

/** One of several things to show. It lives in the address, so that a link says it; the first is the one without. */
export function useChoice<K extends string>(
  name: string,
  options: readonly K[],
): [chosen: K | undefined, choose: (option: K) => void] {
  const { parameters, state, show } = useAddress();
  const named = parameters.get(name);
  const chosen = options.find((option) => option === named) ?? options[0];
  const choose = (option: K) => {
    const next = new URLSearchParams(parameters);
    if (option === options[0]) next.delete(name);
    else next.set(name, option);
    show(next, state);
  };
  return [chosen, choose];
}

export interface ChoiceProps<K extends string> {
  readonly label: string;
  /** What each option is called. */
  readonly options: Readonly<Record<K, string>>;
  /** Those that can be chosen, in this order. */
  readonly among: readonly K[];
  readonly chosen: K | undefined;
  readonly choose: (option: K) => void;
}

/** A choice as a labelled list; nothing where there is none. */
export function Choice<K extends string>(props: ChoiceProps<K>): ReactNode {
  const { label, options, among, chosen, choose } = props;
  if (among.length < 2) return null;
  return (
    <label>
      {label}
      <select
        value={chosen}
        onChange={({ target }) => {
          const option = among.find((one) => one === target.value);
          if (option !== undefined) choose(option);
        }}
      >
        {among.map((option) => (
          <option key={option} value={option}>
            {options[option]}
          </option>
        ))}
      </select>
    </label>
  );
}
