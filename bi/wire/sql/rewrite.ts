import type { JsonValue } from '../../../ingest/formats/json/value.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { arrayItems } from './array-literal.ts';
import { strftimeFormat } from './date-format.ts';
import { REGEX_OPERATORS } from './dialect.ts';
import {
  call,
  castNode,
  constantText,
  isNode,
  listType,
  mapTree,
  type Node,
  nodesOf,
  not,
  simpleType,
  textConstant,
  textOf,
} from './tree.ts';

/** What names stand for outside of the statement. */
export interface RewriteContext {
  /**
   * The value of a function of the session, such as `version()` or `current_setting('search_path')`; undefined when
   * it is none. Arguments are texts of constants; undefined stands for anything else.
   */
  sessionFunction(name: string, args: readonly (string | undefined)[]): SessionValue | undefined;
  /** The oid of a relation, type or function by its name. */
  lookUp(kind: 'regclass' | 'regtype' | 'regproc' | 'regnamespace', name: string): number | undefined;
  /** What takes the place of `$n`. */
  parameter(node: Node): Node;
}

/** A constant of a DuckDB type. */
export interface SessionValue {
  readonly type: string;
  readonly value: string | null | readonly string[];
}

const REGEX_BY_NAME = new Map(Object.entries(REGEX_OPERATORS).map(([operator, name]) => [name, operator]));

/** PostgreSQL's functions under DuckDB's names, where only the name differs. */
const RENAMED: Readonly<Record<string, string>> = {
  btrim: 'trim',
  character_length: 'length',
  char_length: 'length',
  json_agg: 'json_group_array',
  jsonb_agg: 'json_group_array',
  json_object_agg: 'json_group_object',
  jsonb_object_agg: 'json_group_object',
  json_build_object: 'json_object',
  jsonb_build_object: 'json_object',
  json_build_array: 'json_array',
  jsonb_build_array: 'json_array',
  every: 'bool_and',
  clock_timestamp: 'now',
  statement_timestamp: 'now',
  transaction_timestamp: 'now',
  array_cat: 'list_concat',
  generate_subscripts: 'rl_subscripts',
  cardinality: 'len',
};

/** Words that are functions without parentheses. */
const FUNCTION_WORDS = new Set([
  'current_user',
  'session_user',
  'user',
  'current_role',
  'current_catalog',
  'current_schema',
]);

/** Types that DuckDB does not know, and the ones that hold their values here. */
const TYPES: Readonly<Record<string, string>> = {
  oid: 'UINTEGER',
  xid: 'UINTEGER',
  cid: 'UINTEGER',
  name: 'VARCHAR',
  char: 'VARCHAR',
  unknown: 'VARCHAR',
  cstring: 'VARCHAR',
  pg_node_tree: 'VARCHAR',
  aclitem: 'VARCHAR',
  citext: 'VARCHAR',
  jsonb: 'JSON',
  sql_identifier: 'VARCHAR',
  character_data: 'VARCHAR',
  yes_or_no: 'VARCHAR',
  cardinal_number: 'INTEGER',
  time_stamp: 'TIMESTAMP WITH TIME ZONE',
};

const OBJECT_TYPES = {
  regclass: 'regclass',
  regtype: 'regtype',
  regproc: 'regproc',
  regprocedure: 'regproc',
  regnamespace: 'regnamespace',
  regrole: 'regrole',
} as const;

/**
 * PostgreSQL's meaning in DuckDB's syntax tree: schemas, functions of the session, `::regclass` and its kin, array
 * literals, LIKE with backslashes, regular expressions.
 */
export function rewrite(tree: Node, context: RewriteContext): Node {
  const aliases = tableAliases(tree);
  const changed = mapTree(tree, (node) => change(withoutTableOid(node, aliases, context), context));
  if (!isNode(changed)) throw new TypeError('a syntax tree stays one');
  return changed;
}

/** The tables of a statement by the names they go by in it. */
function tableAliases(tree: Node): ReadonlyMap<string, string> {
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
function withoutTableOid(node: Node, aliases: ReadonlyMap<string, string>, context: RewriteContext): Node {
  if (node['type'] !== 'COLUMN_REF' || !Array.isArray(node['column_names'])) return node;
  const [table, column] = node['column_names'].slice(-2);
  if (node['column_names'].length < 2 || textOf(column).toLowerCase() !== 'tableoid') return node;
  const name = aliases.get(textOf(table).toLowerCase());
  const oid = name === undefined ? undefined : context.lookUp('regclass', name);
  return oid === undefined
    ? node
    : castNode(textConstant(String(oid)), simpleType('UINTEGER'), textOf(node['alias']) || 'tableoid');
}

function change(node: Node, context: RewriteContext): Node {
  // Places in the text mean nothing any more, and the largest would not fit into a double.
  if ('query_location' in node) node['query_location'] = 0;
  switch (node['type']) {
    case 'BASE_TABLE':
      return baseTable(node);
    case 'TABLE_FUNCTION':
      return tableFunction(node);
    case 'COLUMN_REF':
      return columnRef(node, context);
    case 'VALUE_PARAMETER':
      return context.parameter(node);
    case 'OPERATOR_CAST':
      return cast(node, context);
    case 'SUBQUERY':
      return node['subquery_type'] === 'ANY' ? anyOf(node) : node;
    default:
      return node['class'] === 'FUNCTION' ? functionCall(node, context) : objectComparison(node);
  }
}

function baseTable(node: Node): Node {
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

function tableFunction(node: Node): Node {
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

function columnRef(node: Node, context: RewriteContext): Node {
  const names = Array.isArray(node['column_names']) ? node['column_names'] : [];
  const [first = null] = names;
  if (names.length === 1 && typeof first === 'string' && FUNCTION_WORDS.has(first.toLowerCase())) {
    const value = context.sessionFunction(first.toLowerCase(), []);
    if (value !== undefined) return constant(value, textOf(node['alias']));
  }
  if (names.length > 2 && typeof first === 'string' && /^(information_schema|main)$/i.test(first)) {
    return { ...node, column_names: names.slice(1) };
  }
  return node;
}

function constant({ type, value }: SessionValue, alias: string): Node {
  if (value === null || typeof value === 'string') {
    return type === 'VARCHAR'
      ? textConstant(value, alias)
      : castNode(textConstant(value), simpleType(type), alias);
  }
  return call(
    'list_value',
    value.map((item) => castNode(textConstant(item), simpleType(type))),
    alias,
  );
}

function functionCall(node: Node, context: RewriteContext): Node {
  const name = textOf(node['function_name']).toLowerCase();
  const children = nodesOf(node['children']);
  const alias = textOf(node['alias']);
  const regex = REGEX_BY_NAME.get(name);
  const [first, second] = children;
  if (regex !== undefined && first !== undefined && second !== undefined) {
    const options = regex.endsWith('*') ? [textConstant('i')] : [];
    const matches = call('regexp_matches', [first, second, ...options]);
    return regex.startsWith('!') ? not(matches, alias) : { ...matches, alias };
  }
  if (
    (name === '~~' || name === '!~~' || name === '~~*' || name === '!~~*') &&
    first !== undefined &&
    second !== undefined
  ) {
    return like(node, name, first, second);
  }
  const session = context.sessionFunction(name, children.map(constantText));
  if (session !== undefined) return constant(session, alias);
  if (name === 'to_char' && first !== undefined) {
    const format = strftimeFormat(constantText(second) ?? '');
    if (format !== undefined) return call('strftime', [first, textConstant(format)], alias);
  }
  // Of a name that is not a constant only the catalog knows: what the server began with.
  if (name === 'current_setting' && first !== undefined) return call('rl_setting', [first], alias);
  // Among the columns it gives a row for each number, not a list of them.
  if (name === 'generate_series' && children.length === 2) return call('rl_series', children, alias);
  const renamed = RENAMED[name];
  const schema = textOf(node['schema']).toLowerCase();
  if (renamed !== undefined) return { ...node, function_name: renamed, schema: '' };
  return schema === 'information_schema' ? { ...node, schema: '' } : node;
}

/** In PostgreSQL a backslash escapes the next character of a pattern unless ESCAPE says otherwise. */
function like(node: Node, name: string, value: Node, pattern: Node): Node {
  const text = constantText(pattern);
  if (text !== undefined && !text.includes('\\')) return node;
  const insensitive = name.endsWith('~~*');
  const escaped = call(`${insensitive ? 'i' : ''}like_escape`, [value, pattern, textConstant('\\')]);
  return name.startsWith('!')
    ? not(escaped, textOf(node['alias']))
    : { ...escaped, alias: textOf(node['alias']) };
}

function cast(node: Node, context: RewriteContext): Node {
  const type = isNode(node['cast_type']) ? node['cast_type'] : {};
  const { child } = node;
  const alias = textOf(node['alias']);
  if (type['id'] === 'LIST') return arrayCast(node, type, alias);
  if (isNode(child) && isObjectName(child) && type['id'] !== 'VARCHAR') {
    // regclass to a number: the other way round than it is shown.
    return { ...node, child: objectOid(child) };
  }
  if (type['id'] !== 'UNBOUND' || !isNode(type['type_info'])) return node;
  const name = textOf(type['type_info']['name']).toLowerCase();
  if (Object.hasOwn(OBJECT_TYPES, name))
    return objectCast(OBJECT_TYPES[name as keyof typeof OBJECT_TYPES], child, alias, context);
  if (name === 'int2vector' || name === 'oidvector') return isNode(child) ? { ...child, alias } : node;
  if (name === 'oid' && isNode(child) && isObjectName(child)) return { ...objectOid(child), alias };
  const element = /^_(.+)$/.exec(name)?.[1];
  if (element !== undefined) {
    return arrayCast(
      node,
      listType(simpleType(TYPES[element] ?? ARRAY_ELEMENTS[element] ?? element.toUpperCase())),
      alias,
    );
  }
  const known = TYPES[name];
  return known === undefined ? node : { ...node, cast_type: simpleType(known) };
}

const ARRAY_ELEMENTS: Readonly<Record<string, string>> = {
  text: 'VARCHAR',
  varchar: 'VARCHAR',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  bool: 'BOOLEAN',
};

/** `'{a,b}'::text[]`: PostgreSQL's literal as a list of constants. */
function arrayCast(node: Node, type: Node, alias: string): Node {
  const info = isNode(type['type_info']) ? type['type_info'] : {};
  const element = isNode(info['child_type']) ? knownType(info['child_type']) : simpleType('VARCHAR');
  const { child } = node;
  const items =
    isNode(child) && child['class'] === 'CONSTANT' ? arrayItems(constantText(child) ?? '') : undefined;
  if (items === undefined) return { ...node, cast_type: listType(element) };
  return castNode(
    call(
      'list_value',
      items.map((item) => textConstant(item)),
    ),
    listType(element),
    alias,
  );
}

function knownType(type: Node): Node {
  if (type['id'] !== 'UNBOUND' || !isNode(type['type_info'])) return type;
  const name = textOf(type['type_info']['name']).toLowerCase();
  const known = TYPES[name] ?? (name.startsWith('reg') ? 'UINTEGER' : undefined);
  return known === undefined ? type : simpleType(known);
}

/**
 * `'runs'::regclass` is a number here; `c.oid::regclass` is shown as a name, and becomes a number again where it is
 * compared or cast to one.
 */
function objectCast(
  kind: keyof typeof OBJECT_TYPES,
  child: JsonValue | undefined,
  alias: string,
  context: RewriteContext,
): Node {
  const text = constantText(child);
  if (text === undefined || kind === 'regrole' || kind === 'regprocedure') {
    return call(`${kind}_name`, isNode(child) ? [child] : [], alias);
  }
  const oid = /^\d+$/.test(text) ? Number(text) : context.lookUp(kind, text);
  if (oid === undefined) {
    if (kind === 'regclass') throw new WireError('undefinedTable', `relation "${text}" does not exist`);
    throw new WireError(
      kind === 'regproc' ? 'undefinedFunction' : 'undefinedObject',
      `${text} does not exist`,
    );
  }
  return castNode(textConstant(String(oid)), simpleType('UINTEGER'), alias);
}

function isObjectName(node: Node): boolean {
  return (
    node['class'] === 'FUNCTION' &&
    /^reg(class|type|proc|namespace|role)_name$/.test(textOf(node['function_name']))
  );
}

/** What `regclass_name(x)` was made of. */
function objectOid(node: Node): Node {
  const [child] = nodesOf(node['children']);
  if (child === undefined) return node;
  return call(textOf(node['function_name']).replace(/_name$/, '_oid'), [child]);
}

function objectComparison(node: Node): Node {
  if (node['class'] !== 'COMPARISON') return node;
  const side = (value: JsonValue | undefined): JsonValue =>
    isNode(value) && isObjectName(value) ? objectOid(value) : (value ?? null);
  return { ...node, left: side(node['left']), right: side(node['right']) };
}

/** `x = ANY('{1,2}')` and `x = ANY(ARRAY[1,2])` compare with constants, whose types follow x. */
function anyOf(node: Node): Node {
  const query = isNode(node['subquery']) && isNode(node['subquery']['node']) ? node['subquery']['node'] : {};
  const [unnest, ...more] = nodesOf(query['select_list']);
  const [list] = unnest?.['function_name'] === 'unnest' ? nodesOf(unnest['children']) : [];
  if (list === undefined || more.length > 0 || node['comparison_type'] !== 'COMPARE_EQUAL') return node;
  const items = list['class'] === 'CONSTANT' ? arrayItems(constantText(list) ?? '') : undefined;
  if (items === undefined || !isNode(node['child'])) return node;
  const alias = textOf(node['alias']);
  if (items.length === 0) return castNode(textConstant('false'), simpleType('BOOLEAN'), alias);
  return {
    class: 'OPERATOR',
    type: 'COMPARE_IN',
    alias,
    query_location: 0,
    children: [node['child'], ...items.map((item) => textConstant(item))],
  };
}
