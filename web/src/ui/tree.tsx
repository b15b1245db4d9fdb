import type { ReactNode } from 'react';
import { Link } from 'wouter';
import './tree.css';

export interface TreeProps {
  /** Any JSON value. */
  readonly value: unknown;
  /** Where a text of a member leads to, if anywhere. */
  readonly address?: ((member: string, text: string) => string | undefined) | undefined;
}

/** A JSON value to read: members one below the other, short lists in one line, texts with their line breaks. */
export function Tree({ value, address }: TreeProps): ReactNode {
  return <Node value={value} member="" address={address} />;
}

function Node({ value, member, address }: TreeProps & { member: string }): ReactNode {
  if (Array.isArray(value)) return <List items={value} member={member} address={address} />;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    if (members.length === 0) return <span className="quiet">empty</span>;
    return (
      <dl className="tree">
        {members.map(([name, inner]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Node value={inner} member={name} address={address} />
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  if (typeof value !== 'string') return <code>{String(value)}</code>;
  const to = address?.(member, value);
  if (to !== undefined) return <Link href={to}>{value}</Link>;
  if (value === '') return <span className="quiet">an empty text</span>;
  // Line breaks alone would not be seen.
  if (value.trim() === '') return <code>{JSON.stringify(value)}</code>;
  return <span className="text">{value}</span>;
}

function List({
  items,
  member,
  address,
}: { items: readonly unknown[] } & Omit<Parameters<typeof Node>[0], 'value'>) {
  if (items.length === 0) return <span className="quiet">none</span>;
  if (items.every((item) => typeof item === 'number')) return <code>{items.join(', ')}</code>;
  return (
    <ul className="tree">
      {items.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a value has no other identity than its place
        <li key={i}>
          <Node value={item} member={member} address={address} />
        </li>
      ))}
    </ul>
  );
}
