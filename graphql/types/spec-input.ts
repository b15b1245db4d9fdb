import { Float, InputType, Int, registerEnumType } from 'type-graphql';
import { z } from 'zod';
import { defineField, namedClass } from './operators.ts';
import { JsonScalar } from './scalars.ts';

type Thunk = () => unknown;

/** What wraps a schema without changing its shape, taken off. */
function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; optional: boolean } {
  let inner = schema;
  let optional = false;
  for (;;) {
    if (
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault ||
      inner instanceof z.ZodNullable
    ) {
      optional = true;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodReadonly) inner = inner.def.innerType;
    else if (inner instanceof z.ZodPipe) inner = inner.def.in;
    else return { inner, optional };
  }
}

function typeOf(name: string, schema: z.core.$ZodType, description = descriptionOf(schema)): Thunk {
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const input = inputOf(name, inner, description);
    return () => input;
  }
  if (inner instanceof z.ZodArray) {
    const item = typeOf(`${name}Item`, inner.def.element, description);
    return () => [item()];
  }
  if (inner instanceof z.ZodEnum) {
    const values = Object.fromEntries(
      inner.options.map((value) => [
        String(value)
          .replace(/[^A-Za-z0-9_]/g, '_')
          .toUpperCase(),
        value,
      ]),
    );
    registerEnumType(values, { name, ...(description && { description }) });
    return () => values;
  }
  if (inner instanceof z.ZodString) return () => String;
  if (inner instanceof z.ZodBoolean) return () => Boolean;
  if (inner instanceof z.ZodNumber) return inner.format === null ? () => Float : () => Int;
  return () => JsonScalar;
}

/** What has a type of its own in GraphQL, and lists of it. */
const WRITTEN = [z.ZodEnum, z.ZodString, z.ZodBoolean, z.ZodNumber] as const;

/**
 * What zod takes for a member that is left out, so that the schema says it: scalars, lists of them, and objects with nothing
 * given. What is JSON here stays zod's alone, and so do defaults of members that are converted: they are values after the
 * conversion.
 */
function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodReadonly || schema instanceof z.ZodNullable)
    return defaultOf(schema.def.innerType);
  if (!(schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)) return undefined;
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const given: unknown = schema.def.defaultValue;
    return typeof given === 'object' && given !== null && Object.keys(given).length === 0 ? {} : undefined;
  }
  if (schema instanceof z.ZodPrefault) return undefined;
  const item = inner instanceof z.ZodArray ? unwrap(inner.def.element).inner : inner;
  const isWritten = WRITTEN.some((type) => item instanceof type);
  return isWritten ? schema.def.defaultValue : undefined;
}

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.description;
}

/**
 * The GraphQL input type of a zod object: zod says what is right, this says how to write it, and what is taken for what is
 * left out. Ranges and conditions across fields stay with zod, which checks the value again; what GraphQL has no type for
 * (unions, records) is JSON.
 * Descriptions are those of `.describe()`; a type without one has that of the member it is the type of.
 */
export function inputOf(
  name: string,
  schema: z.ZodObject,
  description = descriptionOf(schema),
): new () => object {
  const input = namedClass(name);
  for (const [field, value] of Object.entries(schema.shape)) {
    const { optional } = unwrap(value);
    const type = typeOf(`${name}${field.charAt(0).toUpperCase()}${field.slice(1)}`, value);
    const doc = descriptionOf(value);
    const defaultValue = defaultOf(value);
    defineField(input, field, type, {
      nullable: optional,
      ...(doc && { description: doc }),
      ...(defaultValue !== undefined && { defaultValue }),
    });
  }
  InputType(name, description ? { description } : {})(input);
  return input;
}
