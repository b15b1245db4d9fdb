import { isNode, type Node, nodesOf, textOf } from './tree.ts';

/**
 * The names that PostgreSQL gives to the columns of a SELECT; undefined where a star hides how many they are.
 * Source: FigureColname in PostgreSQL's parser/parse_target.c.
 */
export function columnNames(tree: Node): string[] | undefined {
  const [statement] = nodesOf(tree['statements']);
  let node = isNode(statement?.['node']) ? statement['node'] : undefined;
  while (node?.['type'] === 'SET_OPERATION_NODE') node = isNode(node['left']) ? node['left'] : undefined;
  if (node?.['type'] !== 'SELECT_NODE') return undefined;
  const list = nodesOf(node['select_list']);
  if (list.length === 0 || list.some((item) => item['class'] === 'STAR')) return undefined;
  return list.map((item) => textOf(item['alias']) || nameOf(item) || '?column?');
}

const FUNCTION_NAMES: Readonly<Record<string, string>> = {
  count_star: 'count',
  '~~': '',
  list_value: 'array',
};

function nameOf(node: Node): string {
  switch (node['class']) {
    case 'COLUMN_REF':
      return textOf(Array.isArray(node['column_names']) ? node['column_names'].at(-1) : '');
    case 'FUNCTION':
      return node['is_operator'] === true ? '' : functionName(textOf(node['function_name']));
    case 'WINDOW':
      return functionName(textOf(node['function_name']));
    case 'CAST':
      return (isNode(node['child']) ? nameOf(node['child']) : '') || castName(node['cast_type']);
    case 'CASE':
      return 'case';
    case 'SUBQUERY':
      return node['subquery_type'] === 'EXISTS' ? 'exists' : subqueryName(node);
    case 'OPERATOR':
      if (node['type'] === 'OPERATOR_COALESCE') return 'coalesce';
      if (node['type'] === 'ARRAY_CONSTRUCTOR') return 'array';
      return node['type'] === 'STRUCT_EXTRACT' || node['type'] === 'ARRAY_EXTRACT' ? extractName(node) : '';
    default:
      return '';
  }
}

function functionName(name: string): string {
  return FUNCTION_NAMES[name] ?? name;
}

function extractName(node: Node): string {
  const [first] = nodesOf(node['children']);
  return first === undefined ? '' : nameOf(first);
}

function subqueryName(node: Node): string {
  const query = isNode(node['subquery']) ? node['subquery'] : {};
  return columnNames({ statements: [query] })?.[0]?.replace('?column?', '') ?? '';
}

/** The names of types in PostgreSQL that have another in DuckDB. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  BOOLEAN: 'bool',
  SMALLINT: 'int2',
  INTEGER: 'int4',
  BIGINT: 'int8',
  HUGEINT: 'numeric',
  DECIMAL: 'numeric',
  FLOAT: 'float4',
  DOUBLE: 'float8',
  VARCHAR: 'text',
  BLOB: 'bytea',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  'TIME WITH TIME ZONE': 'timetz',
};

function castName(type: unknown): string {
  const id = typeof type === 'object' && type !== null && 'id' in type ? String(type.id) : '';
  if (id === 'UNBOUND' && typeof type === 'object' && type !== null && 'type_info' in type) {
    const info = type.type_info;
    return typeof info === 'object' && info !== null && 'name' in info ? String(info.name) : '';
  }
  return TYPE_NAMES[id] ?? id.toLowerCase();
}
