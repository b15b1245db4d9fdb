import {
  assertLeafType,
  type GraphQLEnumType,
  type GraphQLInputType,
  type GraphQLLeafType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { below, type Pointer, stepsOf } from './pointer.ts';

/**
 * What a reader has put in for a value of an input type: text as it was typed, true or false, items, members. Undefined is
 * what is left out; the empty text stands for itself where texts are wanted, and for nothing where numbers are.
 */
export type Draft = string | boolean | readonly Draft[] | Members;
export interface Members {
  readonly [name: string]: Draft | undefined;
}

export interface Problem {
  readonly pointer: Pointer;
  readonly message: string;
}

/** A member of an input object, or an argument: to a form they are the same. */
export interface Slot {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly type: GraphQLInputType;
  readonly defaultValue?: unknown;
}

export function isMembers(draft: Draft | undefined): draft is Members {
  return typeof draft === 'object' && !Array.isArray(draft);
}

export function isRequired(slot: Slot): boolean {
  return isNonNullType(slot.type) && slot.defaultValue === undefined;
}

/** What the API gets for a draft, and what is wrong with it; a value with problems is not to be sent. */
export interface Reading {
  readonly value: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

export function read(slots: readonly Slot[], draft: Members): Reading {
  const problems: Problem[] = [];
  const value = readMembers(slots, draft, '', (pointer, message) => problems.push({ pointer, message }));
  return { value, problems };
}

type Report = (pointer: Pointer, message: string) => void;

/** Stands for a value with a problem that is reported already. */
const WRONG = Symbol('wrong');

function readMembers(
  slots: readonly Slot[],
  draft: Members,
  pointer: Pointer,
  report: Report,
): Record<string, unknown> {
  const members: [string, unknown][] = [];
  for (const slot of slots) {
    const place = below(pointer, slot.name);
    const value = readValue(slot.type, draft[slot.name] ?? needed(slot), place, report);
    if (value !== undefined) members.push([slot.name, value]);
    else if (isRequired(slot)) report(place, 'is needed');
  }
  return Object.fromEntries(members);
}

/** An object that is needed is there, whatever it lacks: what is needed of it is said at its members. */
function needed(slot: Slot): Draft | undefined {
  return isRequired(slot) && isInputObjectType(getNullableType(slot.type)) ? {} : undefined;
}

function readValue(
  declared: GraphQLInputType,
  draft: Draft | undefined,
  pointer: Pointer,
  report: Report,
): unknown {
  if (draft === undefined) return undefined;
  const type = getNullableType(declared);
  if (isListType(type)) {
    return Array.isArray(draft)
      ? draft.map((item: Draft, i) => {
          const place = below(pointer, i);
          const value = readValue(type.ofType, item, place, report);
          if (value === undefined) report(place, 'is empty: fill it in, or remove it');
          return value;
        })
      : undefined;
  }
  if (isInputObjectType(type)) {
    if (!isMembers(draft)) return undefined;
    const members = readMembers(Object.values(type.getFields()), draft, pointer, report);
    if (type.isOneOf && Object.keys(members).length !== 1) report(pointer, 'expected exactly one of these');
    return members;
  }
  return readLeaf(assertLeafType(type), draft, pointer, report);
}

function readLeaf(type: GraphQLLeafType, draft: Draft, pointer: Pointer, report: Report): unknown {
  if (typeof draft === 'object') return undefined;
  try {
    const value = typeof draft === 'boolean' ? draft : valueOfText(type, draft);
    // The built-in scalars check here what the server would refuse; its own it checks itself.
    if (value !== undefined && !isEnumType(type)) type.parseValue(value);
    return value;
  } catch (error) {
    report(pointer, error instanceof Error ? error.message : String(error));
    return WRONG;
  }
}

const INTEGER = /^[+-]?\d+$/;

/** @throws SyntaxError, GraphQLError, RangeError */
function valueOfText(type: GraphQLLeafType, text: string): unknown {
  if (type.name === 'String' || type.name === 'ID') return text;
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (isEnumType(type)) {
    if (type.getValue(trimmed) === undefined) throw new RangeError(`expected one of ${namesOf(type)}`);
    return trimmed;
  }
  switch (type.name) {
    case 'Int':
      if (!INTEGER.test(trimmed)) throw new RangeError('expected a whole number');
      return Number(trimmed);
    case 'Float':
      if (!Number.isFinite(Number(trimmed))) throw new RangeError('expected a number');
      return Number(trimmed);
    case 'BigInt':
      if (!INTEGER.test(trimmed)) throw new RangeError('expected a whole number');
      return BigInt(trimmed).toString();
    case 'JSON':
      return jsonOf(trimmed);
    default:
      return trimmed;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function namesOf(type: GraphQLEnumType): string {
  return type
    .getValues()
    .map(({ name }) => name)
    .join(', ');
}

/**
 * The draft that reads as `value`: an argument, or the specification of a job, whose words for the values of enums are not
 * those of the API (`normalized_exact` is `NORMALIZED_EXACT`). Undefined where there is nothing of this type.
 */
export function draftOf(declared: GraphQLInputType, value: unknown): Draft | undefined {
  const type = getNullableType(declared);
  if (value === undefined || value === null) return undefined;
  if (isListType(type)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return items.map((item) => draftOf(type.ofType, item)).filter((item) => item !== undefined);
  }
  if (isInputObjectType(type)) {
    return isRecord(value) ? membersOf(Object.values(type.getFields()), value) : undefined;
  }
  if (isEnumType(type)) {
    const word = String(value);
    const asInput = word.replace(/\W/g, '_').toUpperCase();
    return type.getValue(word)?.name ?? type.getValue(asInput)?.name ?? word;
  }
  if (type.name === 'JSON') return JSON.stringify(value, undefined, 2);
  if (typeof value === 'boolean') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The members of an object as drafts, without those that are as they would be if they were left out. */
export function membersOf(slots: readonly Slot[], value: Readonly<Record<string, unknown>>): Members {
  return Object.fromEntries(
    slots.flatMap((slot) => {
      const draft = draftOf(slot.type, value[slot.name]);
      return draft === undefined || (!isRequired(slot) && isDefault(slot, draft)) ? [] : [[slot.name, draft]];
    }),
  );
}

function isDefault({ type, defaultValue }: Slot, draft: Draft): boolean {
  return defaultValue !== undefined && JSON.stringify(draftOf(type, defaultValue)) === JSON.stringify(draft);
}

/** A draft to begin with for a value that is to be filled in. */
export function blank(declared: GraphQLInputType): Draft {
  const type = getNullableType(declared);
  if (isListType(type)) return [blank(type.ofType)];
  if (isInputObjectType(type)) return {};
  return '';
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a draft has at a place; undefined for nothing. */
export function draftAt(draft: Members, pointer: Pointer): Draft | undefined {
  let found: Draft | undefined = draft;
  for (const step of stepsOf(pointer)) {
    if (Array.isArray(found)) found = found[Number(step)];
    else found = isMembers(found) ? found[step] : undefined;
  }
  return found;
}
