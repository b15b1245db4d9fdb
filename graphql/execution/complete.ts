import {
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLList,
  type GraphQLNonNull,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  locatedError,
} from 'graphql';
import type { RequestContext } from '../context.ts';
import { type FieldGroup, type SelectionContext, selectedFields } from '../plan/selection.ts';

type Resolver = GraphQLFieldResolver<Record<string, unknown>, RequestContext>;

/** Resolves a field of an object that the planner shaped: one field may be selected twice with different arguments. */
export const byResponseKey: Resolver = (source, _args, _context, info) => source[info.path.key];

/** Where in an answer a value goes, and what was wrong with values before it. */
export interface Completion {
  readonly path: (string | number)[];
  readonly errors: GraphQLError[];
}

/** Makes a value of an answer of what a resolver gave. @throws what is wrong with a value that may not be null */
export type Complete = (value: unknown, completion: Completion) => unknown;

/** A field, for messages and for the places of errors. */
interface Selected {
  readonly name: string;
  readonly nodes: FieldGroup;
}

/**
 * Whether values of a type are completed by `compileCompletion`: every object in them is plain data, whose fields are its
 * properties (or were keyed by response key), without resolvers of their own.
 */
export function isPlain(type: GraphQLOutputType, seen = new Set<GraphQLOutputType>()): boolean {
  if (isNonNullType(type) || isListType(type)) return isPlain(type.ofType, seen);
  if (isLeafType(type) || seen.has(type)) return true;
  if (!isObjectType(type) || type.isTypeOf) return false;
  seen.add(type);
  return Object.values(type.getFields()).every(
    ({ type: inner, resolve }) =>
      (resolve === undefined || resolve === byResponseKey) && isPlain(inner, seen),
  );
}

/**
 * Compiles the selection on a field of a plain type into a function that completes its values as the specification says
 * ("Value Completion" and "Handling Field Errors" of GraphQL, October 2021): once for all objects of a list, where
 * graphql-js looks up every field of every object.
 */
export function compileCompletion(
  context: SelectionContext,
  name: string,
  nodes: FieldGroup,
  type: GraphQLOutputType,
): Complete {
  return ofType(context, { name, nodes }, type);
}

function ofType(context: SelectionContext, field: Selected, type: GraphQLOutputType): Complete {
  if (isNonNullType(type)) return ofNonNull(context, field, type);
  const complete = isListType(type)
    ? ofList(context, field, type)
    : isLeafType(type)
      ? ofLeaf(type)
      : ofObject(context, field, type as GraphQLObjectType);
  return (value, completion) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    return complete(value, completion);
  };
}

function ofNonNull(
  context: SelectionContext,
  field: Selected,
  { ofType: type }: GraphQLNonNull<GraphQLOutputType>,
): Complete {
  const complete = ofType(context, field, type);
  return (value, completion) => {
    const completed = complete(value, completion);
    if (completed === null) throw new Error(`Cannot return null for non-nullable field ${field.name}.`);
    return completed;
  };
}

function ofLeaf(type: GraphQLLeafType): Complete {
  return (value) => {
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined)
      throw new TypeError(`${type.name} makes nothing of ${typeof value}`);
    return serialized;
  };
}

function ofList(
  context: SelectionContext,
  field: Selected,
  { ofType: type }: GraphQLList<GraphQLOutputType>,
): Complete {
  const complete = guarded(field, type, ofType(context, field, type));
  return (value, completion) => {
    if (!Array.isArray(value) && !ArrayBuffer.isView(value))
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${field.name}".`);
    return Array.from(value as ArrayLike<unknown>, (item, i) => complete(item, completion, i));
  };
}

function ofObject(context: SelectionContext, { nodes }: Selected, type: GraphQLObjectType): Complete {
  const fields = type.getFields();
  const steps: { key: string; property: string; complete: ReturnType<typeof guarded> }[] = [];
  for (const [key, group] of selectedFields(context, nodes, type)) {
    const name = group[0].name.value;
    const definition = fields[name];
    if (definition === undefined) {
      // `__typename`: validation lets nothing else through that the type does not have.
      steps.push({ key, property: name, complete: () => type.name });
      continue;
    }
    const field = { name: `${type.name}.${name}`, nodes: group };
    steps.push({
      key,
      property: definition.resolve === byResponseKey ? key : name,
      complete: guarded(field, definition.type, ofType(context, field, definition.type)),
    });
  }
  return (value, completion) => {
    const source = value as Readonly<Record<string, unknown>>;
    const target: Record<string, unknown> = {};
    for (const { key, property, complete } of steps)
      target[key] = complete(source[property], completion, key);
    return target;
  };
}

/** Completes what stands at a key or index; what is wrong with it gets its place, and null stands for it where the type allows that. */
function guarded(
  { nodes }: Selected,
  type: GraphQLOutputType,
  complete: Complete,
): (value: unknown, completion: Completion, key: string | number) => unknown {
  const nullable = !isNonNullType(type);
  const hasParts = !isLeafType(nullable ? type : type.ofType);
  return (value, completion, key) => {
    const { path, errors } = completion;
    const depth = path.length;
    try {
      if (!hasParts) return complete(value, completion);
      path.push(key);
      const completed = complete(value, completion);
      path.pop();
      return completed;
    } catch (raw) {
      path.length = depth;
      const error = locatedError(raw, nodes, [...path, key]);
      if (!nullable) throw error;
      errors.push(error);
      return null;
    }
  };
}
