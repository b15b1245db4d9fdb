import type { z } from 'zod';
import type { Issue, Severity } from '../family.ts';
import { isJsonObject, type JsonValue } from './json-value.ts';

export interface ArtifactPlace {
  readonly file: string;
  readonly line?: number;
}

/** RFC 6901 text of a path of keys and indices. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function valueAt(root: JsonValue, path: readonly PropertyKey[]): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isJsonObject(value) && Object.hasOwn(value, String(part))) value = value[String(part)];
    else return undefined;
  }
  return value;
}

/** How a value is shown in a message: short, on one line. */
export function showValue(value: JsonValue): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return issue.expected === 'int' ? 'an integer' : `a ${issue.expected}`;
  if (issue.code === 'invalid_value') return issue.values.map((v) => JSON.stringify(v)).join(' or ');
  return issue.message.replace(/^expected /, '').replace(/^Invalid input: expected /, '');
}

function toIssue(issue: z.core.$ZodIssue, root: JsonValue, place: ArtifactPlace, severity: Severity): Issue {
  const found = valueAt(root, issue.path);
  const pointer = jsonPointer(issue.path);
  const where = pointer === '' ? 'the document' : pointer;
  const expected = expectation(issue);
  const common = { severity, ...place, ...(pointer === '' ? {} : { pointer }) };
  if (found === undefined)
    return {
      ...common,
      code: 'MISSING_REQUIRED_FIELD',
      message: `${where} is missing; expected ${expected}`,
    };
  if (typeof found === 'number' && !Number.isFinite(found))
    return {
      ...common,
      code: 'JSON_NAN_LITERAL',
      message: `${where} is the bare token ${found}, which is not JSON; expected ${expected}`,
    };
  const code =
    issue.code === 'invalid_type' || issue.code === 'invalid_union' ? 'WRONG_TYPE' : 'INVALID_VALUE';
  return { ...common, code, message: `${where} is ${showValue(found)}; expected ${expected}` };
}

/** What a value violates of a schema, as issues; none when it conforms. */
export function schemaIssues(
  schema: z.ZodType,
  value: JsonValue,
  place: ArtifactPlace,
  severity: Severity = 'error',
): Issue[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.map((issue) => toIssue(issue, value, place, severity));
}
