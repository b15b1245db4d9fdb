import { Fragment, type ReactNode } from 'react';

/** A name and what is known under it. */
export type FactRow = readonly [name: string, value: ReactNode];

/** Facts about one thing, as names and values. Names are unique. */
export function FactList({ facts }: { facts: readonly FactRow[] }): ReactNode {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
