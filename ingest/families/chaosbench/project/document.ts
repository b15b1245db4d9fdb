import type { z } from 'zod';
import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { Issue, SourceTree } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';

/** A document of the project around a run. */
export interface ProjectDocument<T> {
  readonly value: T | undefined;
  /** Why there is no value though there is a file; `file` is its key. */
  readonly issues: readonly Issue[];
}

/** Reads a document of a project; one that is absent has neither a value nor issues. */
export async function readProjectDocument<T>(
  tree: SourceTree,
  object: ObjectInfo | undefined,
  schema: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<ProjectDocument<T>> {
  if (object === undefined) return { value: undefined, issues: [] };
  const context = { tree, lenient: true, ...(signal ? { signal } : {}) };
  const { value, issues } = await readJsonDocument(context, object, object.key);
  if (value === undefined) return { value: undefined, issues };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, issues: [] };
  return { value: undefined, issues: schemaIssues(schema, value, { file: object.key }) };
}
