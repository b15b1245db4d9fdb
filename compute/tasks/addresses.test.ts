import { expect, test } from 'vitest';
import { z } from 'zod';
import { ADDRESS_MEMBERS, mapAddresses } from './addresses.ts';
import { TASKS } from './tasks.ts';

/** Every text member of a schema with its description, however deep. */
function* textMembers(schema: z.core.$ZodType, name = ''): Generator<{ name: string; text: string }> {
  const description = z.globalRegistry.get(schema)?.description;
  if (description !== undefined) yield { name, text: description };
  if (schema instanceof z.ZodObject)
    for (const [key, member] of Object.entries(schema.shape)) yield* textMembers(member, key);
  else if (schema instanceof z.ZodArray) yield* textMembers(schema.def.element, name);
  else if (schema instanceof z.ZodUnion) for (const one of schema.def.options) yield* textMembers(one, name);
  else if (schema instanceof z.ZodPipe) yield* textMembers(schema.def.in, name);
  else if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  )
    yield* textMembers(schema.def.innerType, name);
}

const SPEAKS_OF_ADDRESSES =
  /path on the worker|key in the store|\w+:\/\/|directory of the checkpoint|address of/i;

test('no member that names a path, a key or an address is left out', () => {
  const found = new Set<string>();
  for (const { spec } of TASKS)
    for (const { name, text } of textMembers(spec)) if (SPEAKS_OF_ADDRESSES.test(text)) found.add(name);
  expect([...found].filter((name) => !Object.hasOwn(ADDRESS_MEMBERS, name))).toEqual([]);
  expect(found.size).toBeGreaterThan(3);
});

test('addresses are replaced wherever the schema has objects, and nowhere in data', async () => {
  const model = z.object({ path: z.string().optional(), baseUrl: z.string().optional() });
  const schema = z
    .object({
      model: model.describe('x'),
      judges: z.array(model.nullable()).default([]),
      rows: z.array(z.record(z.string(), z.json())),
      either: z.union([z.string(), model]).optional(),
    })
    .superRefine(() => undefined);
  const given = {
    model: { path: 'a' },
    judges: [{ baseUrl: 'b' }, null, { path: 'c' }],
    rows: [{ path: 'data', questions: 'data' }],
    either: { path: 'd' },
  };
  const seen: string[] = [];
  const mapped = await mapAddresses(schema, given, async (kind, address, path) => {
    seen.push(`${kind} ${path.join('.')}`);
    return `<${address}>`;
  });
  expect(mapped).toEqual({
    model: { path: '<a>' },
    judges: [{ baseUrl: '<b>' }, null, { path: '<c>' }],
    rows: [{ path: 'data', questions: 'data' }],
    either: { path: '<d>' },
  });
  expect(seen.sort()).toEqual([
    'endpoint judges.0.baseUrl',
    'source either.path',
    'source judges.2.path',
    'source model.path',
  ]);
  const broken = { model: 7, judges: 'x', rows: null, __proto__: null };
  expect(await mapAddresses(schema, broken, async () => 'no')).toEqual({ model: 7, judges: 'x', rows: null });
});
