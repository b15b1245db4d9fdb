import { z } from 'zod';

const catalogEntry = z.object({
  kind: z.enum(['TABLE', 'VIEW']),
  name: z.string(),
  description: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), description: z.string() })).readonly(),
});

/** A table or view that SQL can read. */
export type CatalogEntry = z.infer<typeof catalogEntry>;

export const CATALOG = {
  query: '{ catalog { kind name description columns { name type description } } }',
  schema: z.object({ catalog: z.array(catalogEntry) }),
};

/** Which tables have rows: what there is to ask about. */
export const FILLED = {
  query: '{ lake { tables { name rows } } }',
  schema: z.object({
    lake: z.object({ tables: z.array(z.object({ name: z.string(), rows: z.coerce.number() })) }),
  }),
};
