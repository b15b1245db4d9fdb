import { readFileSync } from 'node:fs';
import type { GraphQLSchema } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { BY_NAME, describedParts } from './descriptions.ts';
import { createSchema } from './schema.ts';
import { SCHEMA_FILE, schemaText } from './schema-file.ts';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await createSchema();
});

/** Lines that only one of two sorted, similar texts has, in their order. */
function difference(before: string, after: string): string[] {
  const [old, now] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  return [
    ...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}

describe(SCHEMA_FILE, () => {
  it('is the schema that is served', () => {
    const committed = readFileSync(new URL(`../${SCHEMA_FILE}`, import.meta.url), 'utf8');
    const served = schemaText(schema);
    if (committed === served) return;
    expect.fail(
      `the schema has changed; when that is meant, 'npm run schema' writes ${SCHEMA_FILE} anew:\n${difference(committed, served).join('\n')}`,
    );
  });
});

describe('descriptions', () => {
  it('are there for every type, field, argument and input field', () => {
    const missing = describedParts(schema).filter(({ element }) => !element.description?.trim());
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('are not given twice', () => {
    const known = new Map(describedParts(schema).map(({ name, element }) => [name, element.description]));
    const stale = Object.entries(BY_NAME).filter(([name, text]) => known.get(name) !== text);
    expect(stale.map(([name]) => name)).toEqual([]);
  });
});
