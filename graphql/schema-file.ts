import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';

/** The file with the public schema, in the root of a checkout. */
export const SCHEMA_FILE = 'schema.graphql';

/** What that file holds: the schema in its own language, sorted, so that a change of it is a change of few lines. */
export function schemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
