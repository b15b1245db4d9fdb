import { z } from 'zod';
import type { TableSpec } from '../tables/schema.ts';
import type { PruneCondition } from './types.ts';

type Node = Readonly<Record<string, unknown>>;

const serialized = z.object({ error: z.literal(false), statements: z.array(z.unknown()) });

/**
 * Conditions that hold for every row of a table that a SELECT can use, so that files without such rows need not be read.
 * They are taken from comparisons of a column with constants in a WHERE, for tables that the statement names once, alone
 * or in inner and left joins: an outer row that a condition on its null columns would meet does not exist, as no comparison
 * with null is true. Everything else has no conditions.
 *
 * @param tree what DuckDB's `json_serialize_sql` gives, already found to be one SELECT
 */
export function conditionsOfSelect(
  tree: string,
  specs: ReadonlyMap<string, TableSpec>,
): ReadonlyMap<string, readonly PruneCondition[]> {
  const parsed = serialized.safeParse(JSON.parse(tree));
  const conditions = new Map<string, readonly PruneCondition[]>();
  if (!parsed.success) return conditions;
  const mentions = new Map<string, number>();
  const selects: Node[] = [];
  const stack: unknown[] = [...parsed.data.statements];
  while (stack.length > 0) {
    const top = stack.pop();
    if (Array.isArray(top)) for (const item of top) stack.push(item);
    else if (isNode(top)) {
      if (top['type'] === 'SELECT_NODE') selects.push(top);
      if (top['type'] === 'BASE_TABLE' || top['type'] === 'SHOW_REF') {
        const name = String(top['table_name']).toLowerCase();
        mentions.set(name, (mentions.get(name) ?? 0) + 1);
      }
      for (const item of Object.values(top)) stack.push(item);
    }
  }
  for (const select of selects) {
    const bases = plainTables(select['from_table']);
    if (bases === undefined || select['sample'] !== null) continue;
    const aliases = new Set(nodes(select['select_list']).map(({ alias }) => String(alias).toLowerCase()));
    const parts = conjuncts(select['where_clause']);
    for (const { table, alias } of bases) {
      const spec = specs.get(table);
      if (spec === undefined || mentions.get(table) !== 1) continue;
      const columnOf = (node: Node): string | undefined => {
        const names = Array.isArray(node['column_names']) ? node['column_names'].map(lower) : [];
        const [qualifier, qualified] = names;
        if (names.length === 2 && qualifier === alias) return qualified;
        // In a join, or beside an alias of that name, it could mean something else.
        const alone = names.length === 1 && bases.length === 1 && !aliases.has(qualifier ?? '');
        return alone ? qualifier : undefined;
      };
      const found = parts.flatMap((part) => conditionOf(part, spec, columnOf) ?? []);
      if (found.length > 0) conditions.set(table, found);
    }
  }
  return conditions;
}

/** The tables of a FROM that has only tables and inner or left joins of them. */
function plainTables(from: unknown): { table: string; alias: string }[] | undefined {
  const bases: { table: string; alias: string }[] = [];
  const stack: unknown[] = [from];
  while (stack.length > 0) {
    const node = stack.pop();
    if (!isNode(node) || (node['sample'] ?? null) !== null) return undefined;
    if (node['type'] === 'JOIN') {
      const plain =
        ['REGULAR', 'CROSS'].includes(String(node['ref_type'])) &&
        ['INNER', 'LEFT'].includes(String(node['join_type']));
      if (!plain) return undefined;
      stack.push(node['left'], node['right']);
      continue;
    }
    const renamed = Array.isArray(node['column_name_alias']) && node['column_name_alias'].length > 0;
    if (node['type'] !== 'BASE_TABLE' || renamed || (node['at_clause'] ?? null) !== null) return undefined;
    const table = lower(node['table_name']);
    bases.push({ table, alias: node['alias'] === '' ? table : lower(node['alias']) });
  }
  return bases;
}

/** What a WHERE wants all of. */
function conjuncts(where: unknown): Node[] {
  const parts: Node[] = [];
  const stack: unknown[] = [where];
  while (stack.length > 0) {
    const node = stack.pop();
    if (!isNode(node)) continue;
    if (node['type'] === 'CONJUNCTION_AND') stack.push(...nodes(node['children']));
    else parts.push(node);
  }
  return parts;
}

type Value = string | number;

function conditionOf(
  node: Node,
  spec: TableSpec,
  columnOf: (reference: Node) => string | undefined,
): PruneCondition | undefined {
  const { type } = node;
  const operands =
    type === 'COMPARE_IN'
      ? nodes(node['children'])
      : type === 'COMPARE_BETWEEN'
        ? [node['input'], node['lower'], node['upper']]
        : [node['left'], node['right']];
  const [reference, ...constants] = operands.filter(isNode);
  if (reference?.['type'] !== 'COLUMN_REF' || constants.length === 0) return undefined;
  const column = spec.columns.find(({ name }) => name === columnOf(reference));
  if (column === undefined) return undefined;
  const values: Value[] = [];
  for (const constant of constants) {
    const value = constantOf(constant, column.type);
    if (value === undefined) return undefined;
    values.push(value);
  }
  const [first, second] = values;
  if (first === undefined) return undefined;
  switch (type) {
    case 'COMPARE_EQUAL':
    case 'COMPARE_IN':
      return { column: column.name, in: values };
    case 'COMPARE_BETWEEN':
      return second === undefined ? undefined : { column: column.name, gte: first, lte: second };
    case 'COMPARE_GREATERTHAN':
    case 'COMPARE_GREATERTHANOREQUALTO':
      return { column: column.name, gte: first };
    case 'COMPARE_LESSTHAN':
    case 'COMPARE_LESSTHANOREQUALTO':
      return { column: column.name, lte: first };
    default:
      return undefined;
  }
}

const INTEGERS = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']);

/** A constant that is compared with a column as it is, without a cast of either. */
function constantOf(constant: Node, type: string): Value | undefined {
  if (constant['type'] !== 'VALUE_CONSTANT' || !isNode(constant['value'])) return undefined;
  const { type: constantType, value } = constant['value'];
  const id = isNode(constantType) ? String(constantType['id']) : '';
  if (type === 'string') return id === 'VARCHAR' && typeof value === 'string' ? value : undefined;
  const whole = (type === 'integer' || type === 'long') && INTEGERS.has(id);
  return whole && typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function lower(value: unknown): string {
  return String(value).toLowerCase();
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}
