import { arrayItems } from '../array-literal.ts';
import {
  call,
  castNode,
  constantText,
  isNode,
  listType,
  type Node,
  nodesOf,
  simpleType,
  textConstant,
  textOf,
} from '../tree.ts';
import { TYPES } from './type-names.ts';

/** `'{a,b}'::text[]`: PostgreSQL's literal as a list of constants. */
export function arrayCast(node: Node, type: Node, alias: string): Node {
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

/** `x = ANY('{1,2}')` and `x = ANY(ARRAY[1,2])` compare with constants, whose types follow x. */
export function anyOf(node: Node): Node {
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
