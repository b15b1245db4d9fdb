import type { z } from 'zod';
import type { JsonValue } from '../../contracts/json-value.ts';
import { type ArtifactPlace, schemaIssues } from '../../contracts/schema-issues.ts';
import type { Issue } from '../../family.ts';

/** A value as its schema has it; undefined when it violates the schema, with an error for each violation. */
export function validated<S extends z.ZodType>(
  schema: S,
  value: JsonValue,
  place: ArtifactPlace,
  report: (issue: Issue) => void,
): z.output<S> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of schemaIssues(schema, value, place)) report(issue);
  return undefined;
}
