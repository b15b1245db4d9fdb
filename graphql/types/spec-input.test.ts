import { type GraphQLSchema, getNamedType, isInputObjectType, isLeafType } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { createSchema } from '../schema.ts';
import { pascal } from './launch-names.ts';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await createSchema();
});

describe.each(TASKS)('the input of $kind', ({ kind, spec }) => {
  it('has the defaults that hold for what is left out', () => {
    const input = schema.getType(`${pascal(kind)}Input`);
    if (!isInputObjectType(input) || !(spec instanceof z.ZodObject)) throw new TypeError('no object');
    const fields = Object.values(input.getFields()).filter(({ type }) => {
      const named = getNamedType(type);
      return isLeafType(named) && named.name !== 'JSON';
    });
    for (const { name, defaultValue } of fields) {
      const left = z.safeParse(spec.shape[name], undefined);
      expect([name, defaultValue]).toEqual([name, left.success ? left.data : undefined]);
    }
  });
});
