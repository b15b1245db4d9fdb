import type { Problem } from './answer.ts';
import type { Draft } from './view.ts';

const SQL =
  'query ($sql: String!, $maxRows: Int!) { sql(query: $sql, maxRows: $maxRows) { columns { name type } rows truncated } }';

/** The body of the request that runs a draft. Variables go as they are written: their numbers keep every digit. @throws SyntaxError when they are no JSON */
export function bodyOf({ mode, query, variables, rows }: Draft, operationName?: string): string {
  if (mode === 'sql') return JSON.stringify({ query: SQL, variables: { sql: query, maxRows: rows } });
  const given = variables.trim();
  if (given !== '') JSON.parse(given);
  const members = [
    `"query":${JSON.stringify(query)}`,
    ...(given === '' ? [] : [`"variables":${given}`]),
    ...(operationName === undefined ? [] : [`"operationName":${JSON.stringify(operationName)}`]),
  ];
  return `{${members.join(',')}}`;
}

/** The body of the request that tells what a draft would read. @throws SyntaxError */
export function costBodyOf(draft: Draft): string {
  return `{"query":${JSON.stringify(
    'query ($body: String!, $variables: JSON) { explainCost(query: $body, variables: $variables) { files bytes rows nodes allowed } }',
  )},"variables":{"body":${JSON.stringify(draft.mode === 'sql' ? SQL : draft.query)},"variables":${
    draft.mode === 'sql'
      ? JSON.stringify({ sql: draft.query, maxRows: draft.rows })
      : draft.variables.trim() || 'null'
  }}}`;
}

/** Where in the text of a draft something is wrong, in UTF-16 units as editors count. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

/** The places of problems in the text that was run; those without a place have none. */
export function marksOf(problems: readonly Problem[], { mode, query }: Draft): readonly Mark[] {
  return problems.flatMap(({ message, locations, extensions }) => {
    const from =
      mode === 'sql'
        ? unitsBefore(query, extensions?.where?.offset)
        : locations?.[0] && offsetOf(query, locations[0]);
    if (from === undefined || from > query.length) return [];
    const word = /^\w+/.exec(query.slice(from))?.[0].length ?? 1;
    return [{ from, to: Math.min(from + word, query.length), message }];
  });
}

function unitsBefore(text: string, characters: number | undefined): number | undefined {
  return characters === undefined ? undefined : [...text].slice(0, characters).join('').length;
}

/** Of a place with lines and columns from 1, as GraphQL counts. */
function offsetOf(text: string, { line, column }: { line: number; column: number }): number {
  const before = text.split(/\r\n|\n|\r/).slice(0, line - 1);
  // Editors keep lines apart by one unit.
  return before.reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
}
