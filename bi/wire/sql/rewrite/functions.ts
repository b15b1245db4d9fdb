import { strftimeFormat } from '../date-format.ts';
import { REGEX_OPERATORS } from '../dialect.ts';
import {
  call,
  castNode,
  constantText,
  type Node,
  nodesOf,
  not,
  simpleType,
  textConstant,
  textOf,
} from '../tree.ts';
import type { RewriteContext, SessionValue } from './context.ts';

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

/** A column, or one of the words that are functions. */
export function columnRef(node: Node, context: RewriteContext): Node {
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

/** A function or operator as DuckDB has it. */
export function functionCall(node: Node, context: RewriteContext): Node {
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
