import {
  assertLeafType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  getNullableType,
  isInputObjectType,
  isListType,
} from 'graphql';
import type { ReactNode } from 'react';
import { Control, isLong } from './control.tsx';
import { blank, type Draft, isMembers, isRequired, type Slot } from './draft.ts';
import { fieldId, useProblems } from './form-context.ts';
import { ListField } from './list-field.tsx';
import { MemberFields } from './members.tsx';
import { Help, LeaveOut, Problems, Unseen } from './parts.tsx';
import type { Pointer } from './pointer.ts';
import { words } from './tasks.ts';

export interface FieldProps<T extends GraphQLInputType = GraphQLInputType> {
  readonly slot: Slot;
  /** That of the slot, without what forbids null. */
  readonly type: T;
  readonly draft: Draft | undefined;
  readonly pointer: Pointer;
  readonly change: (draft: Draft | undefined) => void;
}

/** The form for one member, whatever its type. */
export function Field(props: Omit<FieldProps, 'type'>): ReactNode {
  const type = getNullableType(props.slot.type);
  if (isInputObjectType(type)) return <ObjectField {...props} type={type} />;
  if (isListType(type)) return <ListField {...props} type={type.ofType} />;
  return <LeafField {...props} type={assertLeafType(type)} />;
}

function LeafField({ slot, type, draft, pointer, change }: FieldProps<GraphQLLeafType>): ReactNode {
  const id = fieldId(pointer);
  const problems = useProblems(pointer, true);
  const described = [slot.description && `${id}-help`, problems.length > 0 && `${id}-problem`];
  const required = isRequired(slot);
  return (
    <div className={isLong(type, pointer, draft) ? 'field wide' : 'field'}>
      <label htmlFor={id}>
        {words(slot.name)}
        {required && <span className="required"> required</span>}
      </label>
      <Control
        type={type}
        draft={draft}
        defaultValue={slot.defaultValue}
        pointer={pointer}
        change={change}
        attributes={{
          id,
          'aria-describedby': described.filter(Boolean).join(' ') || undefined,
          'aria-invalid': problems.length > 0,
          'aria-required': required,
        }}
      />
      {draft === '' && <LeaveOut change={change} />}
      <Unseen text={draft} />
      <Problems id={`${id}-problem`} problems={problems} />
      <Help id={`${id}-help`} text={slot.description} />
    </div>
  );
}

function ObjectField({ slot, type, draft, pointer, change }: FieldProps<GraphQLInputObjectType>): ReactNode {
  const id = fieldId(pointer);
  const required = isRequired(slot);
  const given = isMembers(draft) ? draft : required ? {} : undefined;
  const problems = useProblems(pointer, given === undefined);
  const title = words(slot.name);
  return (
    <fieldset className="field wide">
      <legend>
        {title}
        {required && <span className="required"> required</span>}
      </legend>
      <Help text={slot.description} />
      <Problems id={`${id}-problem`} problems={problems} />
      {given === undefined ? (
        <button type="button" id={id} data-invalid={problems.length > 0} onClick={() => change(blank(type))}>
          Set {title.toLowerCase()}
        </button>
      ) : (
        <>
          <MemberFields
            slots={Object.values(type.getFields())}
            draft={given}
            pointer={pointer}
            change={change}
            oneOf={type.isOneOf}
          />
          {!required && <LeaveOut change={change} />}
        </>
      )}
    </fieldset>
  );
}
