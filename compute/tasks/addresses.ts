import { z } from 'zod';

/** What an address is for: files to read, or a server to ask. */
export type AddressKind = 'source' | 'endpoint';

/**
 * Members of specifications, of any task and at any depth, that name something outside the rows of the lake. A test holds
 * that no description speaks of paths, keys or addresses without its member being here.
 */
export const ADDRESS_MEMBERS: Readonly<Record<string, AddressKind>> = {
  /** Checkpoint of a model. */
  path: 'source',
  /** Questions of an inference. */
  questions: 'source',
  /** Relation of function vectors. */
  relation: 'source',
  /** Items of ChaosBench. */
  dataset: 'source',
  /** Recorded answers of ChaosBench. */
  file: 'source',
  /** Interface of a model server. */
  baseUrl: 'endpoint',
};

export type AddressRule = (
  kind: AddressKind,
  address: string,
  path: readonly (string | number)[],
) => Promise<string>;

/**
 * A specification with every address in it replaced by what `rule` gives for it. Data that specifications carry (rows,
 * variables of templates) have members of any name: only objects of the schema are looked at.
 */
export async function mapAddresses(
  schema: z.core.$ZodType,
  value: unknown,
  rule: AddressRule,
  path: readonly (string | number)[] = [],
): Promise<unknown> {
  const inner = wrapped(schema);
  if (inner !== undefined) return mapAddresses(inner, value, rule, path);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return Promise.all(value.map((item, i) => mapAddresses(schema.def.element, item, rule, [...path, i])));
  }
  if (schema instanceof z.ZodUnion) {
    // Whichever option it turns out to be: none is passed by.
    let mapped = value;
    for (const option of schema.def.options) mapped = await mapAddresses(option, mapped, rule, path);
    return mapped;
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(async ([name, item]): Promise<[string, unknown]> => {
    const place = [...path, name];
    const kind = Object.hasOwn(ADDRESS_MEMBERS, name) ? ADDRESS_MEMBERS[name] : undefined;
    if (kind !== undefined && typeof item === 'string') return [name, await rule(kind, item, place)];
    const member = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    return [name, member === undefined ? item : await mapAddresses(member, item, rule, place)];
  });
  return Object.fromEntries(await Promise.all(members));
}

/** The schema under one that leaves the shape as it is. */
function wrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.def.in;
  const wraps =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly;
  return wraps ? schema.def.innerType : undefined;
}
