import { WireError } from '../../protocol/sqlstate.ts';
import { castNode, isNode, mapTree, type Node, simpleType, textConstant, textOf } from '../tree.ts';
import type { RewriteContext } from './context.ts';

/** The tables of a statement by the names they go by in it. */
export function tableAliases(tree: Node): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  mapTree(tree, (node) => {
    const name = textOf(node['table_name']);
    if (node['type'] === 'BASE_TABLE')
      aliases.set((textOf(node['alias']) || name).toLowerCase(), name.toLowerCase());
    return node;
  });
  return aliases;
}

/** `c.tableoid`, which every row of PostgreSQL has: the number of the table that it is in. */
export function withoutTableOid(
  node: Node,
  aliases: ReadonlyMap<string, string>,
  context: RewriteContext,
): Node {
  if (node['type'] !== 'COLUMN_REF' || !Array.isArray(node['column_names'])) return node;
  const [table, column] = node['column_names'].slice(-2);
  if (node['column_names'].length < 2 || textOf(column).toLowerCase() !== 'tableoid') return node;
  const name = aliases.get(textOf(table).toLowerCase());
  const oid = name === undefined ? undefined : context.lookUp('regclass', name);
  return oid === undefined
    ? node
    : castNode(textConstant(String(oid)), simpleType('UINTEGER'), textOf(node['alias']) || 'tableoid');
}

/** The name by which a table goes here. */
export function baseTable(node: Node): Node {
  const schema = textOf(node['schema_name']).toLowerCase();
  const name = textOf(node['table_name']);
  const plain = { ...node, catalog_name: '', schema_name: '' };
  if (schema === 'information_schema') {
    return { ...plain, table_name: `information_schema_${name}`, alias: textOf(node['alias']) || name };
  }
  if (['', 'main', 'public', 'pg_catalog'].includes(schema)) return plain;
  throw new WireError('undefinedTable', `relation "${schema}.${name}" does not exist`);
}

/** Functions that list something are tables of the catalog here. */
const LISTING_FUNCTIONS = new Set([
  'pg_get_keywords',
  'pg_show_all_settings',
  'pg_available_extensions',
  'pg_timezone_names',
]);

const ONE_COLUMN = new Set(['generate_series', 'range', 'unnest', 'regexp_split_to_table']);

/** A function in place of a table. */
export function tableFunction(node: Node): Node {
  const name = isNode(node['function']) ? textOf(node['function']['function_name']).toLowerCase() : '';
  const alias = textOf(node['alias']);
  const columns = node['column_name_alias'];
  // The call itself has been taken for one among the columns.
  if (name === 'rl_series' && isNode(node['function'])) {
    return tableFunction({ ...node, function: { ...node['function'], function_name: 'generate_series' } });
  }
  // In PostgreSQL the alias of a function that gives one column names the column, too.
  if (ONE_COLUMN.has(name) && alias !== '' && Array.isArray(columns) && columns.length === 0) {
    return { ...node, column_name_alias: [alias] };
  }
  if (name === 'string_to_array' && isNode(node['function'])) return oneRow(node['function'], alias || name);
  if (!LISTING_FUNCTIONS.has(name)) return node;
  return {
    type: 'BASE_TABLE',
    alias: textOf(node['alias']) || name,
    sample: null,
    query_location: 0,
    schema_name: '',
    table_name: name,
    column_name_alias: node['column_name_alias'] ?? [],
    catalog_name: '',
    at_clause: null,
  };
}

/** A function that gives one value, in place of a table: `(SELECT f(…) AS alias) AS alias`. */
function oneRow(functionNode: Node, alias: string): Node {
  return {
    type: 'SUBQUERY',
    alias,
    sample: null,
    query_location: 0,
    subquery: {
      node: {
        type: 'SELECT_NODE',
        modifiers: [],
        cte_map: { map: [] },
        select_list: [{ ...functionNode, alias }],
        from_table: { type: 'EMPTY', alias: '', sample: null, query_location: 0 },
        where_clause: null,
        group_expressions: [],
        group_sets: [],
        aggregate_handling: 'STANDARD_HANDLING',
        having: null,
        sample: null,
        qualify: null,
      },
      named_param_map: [],
    },
    column_name_alias: [],
  };
}
