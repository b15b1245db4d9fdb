import { z } from 'zod';
import { charactersBefore } from './error-place.ts';
import { SandboxError } from './errors.ts';
import { ResultSizes } from './result-sizes.ts';

/** Table functions that compute from their arguments alone. */
const PURE_TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
  'regexp_split_to_table',
]);

/** Scalar functions that reach state outside the query. */
const FORBIDDEN_FUNCTIONS = new Set([
  'getenv',
  'getvariable',
  'current_setting',
  'set_config',
  'nextval',
  'currval',
  'write_log',
  'parse_duckdb_log_message',
  'pg_read_file',
  'json_execute_serialized_sql',
]);

/** A name that DuckDB cannot take for a file when nothing of that name exists. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const serialized = z.union([
  z.object({
    error: z.literal(true),
    error_type: z.string(),
    error_message: z.string(),
    /** Characters before it. */
    position: z.coerce.number().int().optional(),
  }),
  z.object({ error: z.literal(false), statements: z.array(z.unknown()) }),
]);

const showing = z.object({ type: z.literal('SHOW_REF'), table_name: z.string(), query: z.unknown() });

/** One SELECT from what SHOW, DESCRIBE or SUMMARIZE gives. */
const description = z.object({
  statements: z.tuple([z.object({ node: z.object({ from_table: showing }) })]),
});

/** What `SHOW TABLES`, `SHOW ALL TABLES` and `DESCRIBE` without a name become in the tree. */
const LISTINGS = new Set(['"tables"', '__show_tables_expanded']);

/** Whether a statement is, or selects from, one that describes: DESCRIBE, SHOW, SUMMARIZE. @param tree as in `namesOfSelect` */
export function isDescription(tree: string): boolean {
  return description.safeParse(JSON.parse(tree)).success;
}

/** Whether a statement asks which tables there are and nothing else. @param tree as in `namesOfSelect` */
export function isListing(tree: string): boolean {
  const parsed = description.safeParse(JSON.parse(tree));
  if (!parsed.success) return false;
  const { table_name, query } = parsed.data.statements[0].node.from_table;
  return LISTINGS.has(table_name) && query === null;
}

/**
 * Checks the syntax tree that DuckDB's `json_serialize_sql` gives for a text, and names the tables and views it reads.
 * This is the first of two fences; the second is the engine's own (`Engine.open` with `readableDirectories`).
 *
 * @param tree the JSON text
 * @param tables names that may be read
 * @param text the text of the tree, for the places of errors
 * @throws SandboxError when the text is not exactly one SELECT over those names
 */
export function namesOfSelect(tree: string, tables: ReadonlySet<string>, text = ''): Set<string> {
  const result = serialized.parse(JSON.parse(tree));
  if (result.error) {
    const notSelect = result.error_type === 'not implemented';
    throw new SandboxError(notSelect ? 'only SELECT is possible here' : result.error_message, {
      expected: 'one SELECT statement over the tables of the lake',
      remedy: notSelect
        ? 'write the statement as a SELECT; PIVOT needs an explicit IN list inside a SELECT'
        : 'correct the SQL',
      ...placed(result.position),
    });
  }
  if (result.statements.length !== 1) {
    throw new SandboxError(`${result.statements.length} statements were given`, {
      expected: 'one SELECT statement',
    });
  }
  const used = new Set<string>();
  const commonTables = new Set<string>();
  const bases: { readonly name: string; readonly byte: unknown }[] = [];
  const sizes = new ResultSizes();
  const rowsOf = new Set<unknown>();
  walk(result.statements[0], (node) => {
    if (isRecord(node['cte_map'])) {
      for (const name of commonTableNames(node['cte_map'])) {
        if (!PLAIN_NAME.test(name)) throw new SandboxError(`${name} is not a plain name for a WITH query`);
        commonTables.add(name.toLowerCase());
      }
    }
    switch (node['type']) {
      case 'BASE_TABLE':
        bases.push({ name: baseTable(node), byte: node['query_location'] });
        break;
      case 'SHOW_REF':
        if (typeof node['table_name'] === 'string' && node['table_name'] !== '')
          bases.push({ name: showTable(node['table_name']), byte: node['query_location'] });
        break;
      case 'TABLE_FUNCTION':
        checkTableFunction(node['function']);
        // Rows come one vector after the other, however many.
        rowsOf.add(node['function']);
        break;
      default:
        if (node['class'] !== 'FUNCTION') break;
        checkFunction(node['function_name']);
        if (!rowsOf.has(node)) sizes.add(node);
    }
  });
  for (const { name, byte } of bases) {
    const key = name.toLowerCase();
    if (tables.has(key)) used.add(key);
    else if (!commonTables.has(key)) {
      throw new SandboxError(`there is no table ${name}`, {
        expected: `one of ${[...tables].sort().join(', ')}`,
        ...placed(charactersBefore(text, byte)),
      });
    }
  }
  return used;
}

function placed(offset: number | undefined): { where?: { offset: number } } {
  return offset === undefined ? {} : { where: { offset } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(value: unknown, visit: (node: Record<string, unknown>) => void): void {
  // An explicit stack: the depth of the tree is the caller's to choose.
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const top = stack.pop();
    if (Array.isArray(top)) stack.push(...top);
    else if (isRecord(top)) {
      visit(top);
      stack.push(...Object.values(top));
    }
  }
}

function commonTableNames(cteMap: Record<string, unknown>): string[] {
  const entries = cteMap['map'];
  return Array.isArray(entries) ? entries.filter(isRecord).map((entry) => String(entry['key'])) : [];
}

function baseTable(node: Record<string, unknown>): string {
  const name = String(node['table_name']);
  if (node['schema_name'] !== '' || node['catalog_name'] !== '') {
    const path = [node['catalog_name'], node['schema_name'], name].filter((part) => part !== '').join('.');
    throw new SandboxError(`there is no table ${path}`, { expected: 'a table name without schema' });
  }
  return name;
}

/** DuckDB names its own listings in quotes: `"tables"`. */
function showTable(name: string): string {
  if (!PLAIN_NAME.test(name)) throw new SandboxError(`SHOW ${name.replaceAll('"', '')} is not possible here`);
  return name;
}

function checkTableFunction(call: unknown): void {
  const name = isRecord(call) ? String(call['function_name']).toLowerCase() : '';
  if (!PURE_TABLE_FUNCTIONS.has(name)) {
    throw new SandboxError(`the table function ${name} is not allowed`, {
      expected: `a table of the lake, or one of ${[...PURE_TABLE_FUNCTIONS].join(', ')}`,
    });
  }
}

function checkFunction(name: unknown): void {
  if (FORBIDDEN_FUNCTIONS.has(String(name).toLowerCase())) {
    throw new SandboxError(`the function ${String(name)} is not allowed`);
  }
}
