import { type GraphQLLeafType, isEnumType } from 'graphql';
import { type ReactNode, useId } from 'react';
import type { Draft } from './draft.ts';
import { useSuggested } from './form-context.ts';
import { memberOf, type Pointer } from './pointer.ts';

/** Members whose texts have lines. The schema knows texts only. */
const LINES = /template|prompt|phrases|^(csv|stop|system|text)$/i;

export interface ControlProps {
  readonly type: GraphQLLeafType;
  readonly draft: Draft | undefined;
  readonly defaultValue?: unknown;
  readonly pointer: Pointer;
  readonly change: (draft: Draft | undefined) => void;
  /** Names and descriptions for those who do not see it, and whether something is wrong. */
  readonly attributes: {
    readonly id: string;
    readonly 'aria-label'?: string;
    readonly 'aria-describedby'?: string | undefined;
    readonly 'aria-invalid'?: boolean;
    readonly 'aria-required'?: boolean;
  };
}

/** Whether a value needs the whole width. */
export function isLong(type: GraphQLLeafType, pointer: Pointer, draft: Draft | undefined): boolean {
  if (type.name === 'JSON') return true;
  const hasLines = typeof draft === 'string' && draft.includes('\n');
  return (type.name === 'String' && LINES.test(memberOf(pointer))) || hasLines;
}

/** What a scalar or a word of an enum is put in with. An emptied one is left out. */
export function Control(props: ControlProps): ReactNode {
  const { type, draft, defaultValue, pointer, change, attributes } = props;
  if (type.name === 'Boolean' && defaultValue !== undefined) return <Box {...props} />;
  if (type.name === 'Boolean' || isEnumType(type)) return <Words {...props} />;
  const text = typeof draft === 'string' ? draft : '';
  const put = (value: string) => change(value === '' ? undefined : value);
  const hint =
    defaultValue === undefined
      ? undefined
      : typeof defaultValue === 'string'
        ? defaultValue
        : JSON.stringify(defaultValue);
  if (isLong(type, pointer, draft)) {
    return (
      <textarea
        {...attributes}
        rows={Math.min(12, Math.max(2, text.split('\n').length, (hint ?? '').split('\n').length))}
        spellCheck={type.name !== 'JSON'}
        value={text}
        placeholder={hint}
        onChange={({ target }) => put(target.value)}
      />
    );
  }
  if (type.name === 'Int' || type.name === 'Float') {
    return (
      <input
        {...attributes}
        type="number"
        step={type.name === 'Int' ? 1 : 'any'}
        value={text}
        placeholder={hint}
        onChange={({ target }) => put(target.value)}
      />
    );
  }
  return <Line {...props} text={text} hint={hint} put={put} />;
}

interface LineProps extends ControlProps {
  readonly text: string;
  readonly hint: string | undefined;
  readonly put: (text: string) => void;
}

/** A text of one line, with what may be meant. */
function Line({ attributes, pointer, text, hint, put }: LineProps): ReactNode {
  const list = useId();
  const suggested = useSuggested(memberOf(pointer));
  return (
    <>
      <input
        {...attributes}
        type="text"
        autoComplete="off"
        value={text}
        placeholder={hint}
        list={suggested.length > 0 ? list : undefined}
        onChange={({ target }) => put(target.value)}
      />
      {suggested.length > 0 && (
        <datalist id={list}>
          {suggested.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** Yes or no where one of them is the default. */
function Box({ draft, defaultValue, change, attributes }: ControlProps): ReactNode {
  const { 'aria-required': _, ...rest } = attributes;
  return (
    <input
      {...rest}
      type="checkbox"
      checked={typeof draft === 'boolean' ? draft : defaultValue === true}
      onChange={({ target }) => change(target.checked === defaultValue ? undefined : target.checked)}
    />
  );
}

/** One of several words, or none. */
function Words({ type, draft, defaultValue, change, attributes }: ControlProps): ReactNode {
  const words = isEnumType(type) ? type.getValues().map(({ name }) => name) : ['yes', 'no'];
  const chosen = typeof draft === 'boolean' ? (draft ? 'yes' : 'no') : typeof draft === 'string' ? draft : '';
  return (
    <select
      {...attributes}
      value={chosen}
      onChange={({ target: { value } }) =>
        change(value === '' ? undefined : isEnumType(type) ? value : value === 'yes')
      }
    >
      <option value="">{defaultValue === undefined ? '–' : `${String(defaultValue)} (default)`}</option>
      {/* What an older specification said is shown, and refused by name. */}
      {chosen !== '' && !words.includes(chosen) && <option value={chosen}>{chosen}</option>}
      {words.map((word) => (
        <option key={word} value={word}>
          {word}
        </option>
      ))}
    </select>
  );
}
