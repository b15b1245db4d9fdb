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

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.description;
}

/**
 * The GraphQL input type of a zod object: zod says what is right, this says how to write it. Defaults, ranges and conditions
 * across fields stay with zod, which checks the value again; what GraphQL has no type for (unions, records) is JSON.
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
    defineField(input, field, type, { nullable: optional, ...(doc && { description: doc }) });
  }
  InputType(name, description ? { description } : {})(input);
  return input;
}
