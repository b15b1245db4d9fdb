import {
  assertLeafType,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
} from 'graphql';
import type { ReactNode } from 'react';
import { Control } from './control.tsx';
import { blank, type Draft, isRequired } from './draft.ts';
import { Field, type FieldProps } from './field.tsx';
import { fieldId, useProblems } from './form-context.ts';
import { Help, LeaveOut, Problems, Unseen } from './parts.tsx';
import { below } from './pointer.ts';
import { words } from './tasks.ts';

/** The items of a list; `type` is that of one. */
export function ListField({ slot, type, draft, pointer, change }: FieldProps): ReactNode {
  const id = fieldId(pointer);
  const items: readonly Draft[] = Array.isArray(draft) ? draft : [];
  const problems = useProblems(pointer, items.length === 0);
  const title = words(slot.name);
  const without = (i: number) => items.filter((_, at) => at !== i);
  return (
    <fieldset className="field wide list">
      <legend>
        {title}
        {isRequired(slot) && <span className="required"> required</span>}
      </legend>
      <Help text={slot.description} />
      {draft === undefined && Array.isArray(slot.defaultValue) && slot.defaultValue.length > 0 && (
        <p className="help">Default: {slot.defaultValue.map((one) => JSON.stringify(one)).join(', ')}</p>
      )}
      <Problems id={`${id}-problem`} problems={problems} />
      <div className={isNumber(type) ? 'items short' : 'items'}>
        {items.map((item, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item has no other identity than its place
          <div className="item" key={i}>
            <Item
              name={`${title}, item ${i + 1}`}
              slot={{ name: String(i + 1), type }}
              type={getNullableType(type)}
              draft={item}
              pointer={below(pointer, i)}
              change={(next) => change(items.map((one, at) => (at === i ? (next ?? blank(type)) : one)))}
            />
            <button
              type="button"
              onClick={() => {
                const rest = without(i);
                // Without items and without a default the list is as good as not there.
                change(rest.length === 0 && slot.defaultValue === undefined ? undefined : rest);
              }}
            >
              {isNumber(type) ? <span aria-hidden="true">✕</span> : 'Remove'}
              <span className="unseen">
                {isNumber(type) && 'Remove'} item {i + 1}
              </span>
            </button>
          </div>
        ))}
      </div>
      <button
        type="button"
        id={id}
        data-invalid={problems.length > 0}
        onClick={() => change([...items, blank(type)])}
      >
        Add<span className="unseen"> to {title.toLowerCase()}</span>
      </button>{' '}
      {draft !== undefined && <LeaveOut change={change} />}
    </fieldset>
  );
}

function isNumber(type: GraphQLInputType): boolean {
  return /^(Int|Float)$/.test(getNamedType(type).name) && !isListType(getNullableType(type));
}

/** An item of a list: its control alone where that is all. */
function Item({ name, ...props }: FieldProps & { readonly name: string }): ReactNode {
  const { type, draft, pointer, change } = props;
  const id = fieldId(pointer);
  const problems = useProblems(pointer, true);
  if (isInputObjectType(type) || isListType(type)) return <Field {...props} />;
  return (
    <div className="field">
      <Control
        type={assertLeafType(type)}
        draft={draft}
        pointer={pointer}
        change={change}
        attributes={{
          id,
          'aria-label': name,
          'aria-describedby': problems.length > 0 ? `${id}-problem` : undefined,
          'aria-invalid': problems.length > 0,
        }}
      />
      {draft !== '' && <Unseen text={draft} />}
      <Problems id={`${id}-problem`} problems={problems} />
    </div>
  );
}
