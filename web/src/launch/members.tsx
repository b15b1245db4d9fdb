import { type ReactNode, useState } from 'react';
import { blank, type Draft, isRequired, type Members, type Slot } from './draft.ts';
import { Field } from './field.tsx';
import { fieldId, useProblems } from './form-context.ts';
import { below, isWithin, type Pointer } from './pointer.ts';
import { words } from './tasks.ts';

export interface MemberFieldsProps {
  readonly slots: readonly Slot[];
  readonly draft: Members;
  readonly pointer: Pointer;
  readonly change: (draft: Members) => void;
  /** Exactly one of them is given. */
  readonly oneOf?: boolean;
  /** What is said of those that are not shown at first. */
  readonly rest?: string;
}

/** The members of an object: those that are needed or were set when it was opened, and the others behind one line. */
export function MemberFields(props: MemberFieldsProps): ReactNode {
  const { slots, draft, pointer, change, oneOf = false, rest } = props;
  const [first] = useState(
    () => new Set(slots.filter((slot) => isRequired(slot) || draft[slot.name] !== undefined)),
  );
  const problems = useProblems(pointer, true);
  if (oneOf) return <OneOf slots={slots} draft={draft} pointer={pointer} change={change} />;
  const fieldOf = (slot: Slot) => (
    <Field
      key={slot.name}
      slot={slot}
      draft={draft[slot.name]}
      pointer={below(pointer, slot.name)}
      change={(value) => change(withMember(draft, slot.name, value))}
    />
  );
  const others = slots.filter((slot) => !first.has(slot));
  const isWrong = others.some(({ name }) =>
    problems.some((problem) => isWithin(below(pointer, name), problem.pointer)),
  );
  return (
    <>
      <div className="members">{slots.filter((slot) => first.has(slot)).map(fieldOf)}</div>
      {others.length > 0 && (
        <Others
          title={
            rest ??
            `${others.length} ${first.size > 0 ? 'more ' : ''}settings, at their defaults unless changed`
          }
          openAtFirst={rest === undefined && first.size === 0}
          open={isWrong}
        >
          {others.map(fieldOf)}
        </Others>
      )}
    </>
  );
}

interface OthersProps {
  readonly title: string;
  readonly openAtFirst: boolean;
  /** Something in it has to be seen. */
  readonly open: boolean;
  readonly children: ReactNode;
}

function Others({ title, openAtFirst, open, children }: OthersProps): ReactNode {
  const [isOpen, setOpen] = useState(openAtFirst);
  if (open && !isOpen) setOpen(true);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      <div className="members">{children}</div>
    </details>
  );
}

function OneOf({ slots, draft, pointer, change }: MemberFieldsProps): ReactNode {
  const id = `${fieldId(pointer)}-which`;
  const chosen = slots.find(({ name }) => draft[name] !== undefined);
  return (
    <div className="members">
      <div className="field">
        <label htmlFor={id}>Which</label>
        <select
          id={id}
          value={chosen?.name ?? ''}
          onChange={({ target }) => {
            const slot = slots.find(({ name }) => name === target.value);
            change(slot === undefined ? {} : { [slot.name]: blank(slot.type) });
          }}
        >
          <option value="">–</option>
          {slots.map(({ name }) => (
            <option key={name} value={name}>
              {words(name)}
            </option>
          ))}
        </select>
      </div>
      {chosen && (
        <Field
          slot={chosen}
          draft={draft[chosen.name]}
          pointer={below(pointer, chosen.name)}
          change={(value) => change(value === undefined ? {} : { [chosen.name]: value })}
        />
      )}
    </div>
  );
}

function withMember(draft: Members, name: string, value: Draft | undefined): Members {
  const { [name]: _, ...others } = draft;
  return value === undefined ? others : { ...others, [name]: value };
}
