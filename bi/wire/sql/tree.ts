import { parseExact } from '../../../ingest/formats/json/parse-exact.ts';
import type { JsonValue } from '../../../ingest/formats/json/value.ts';

/** A node of the syntax tree that DuckDB's `json_serialize_sql` gives. */
export type Node = { [key: string]: JsonValue };

/** Deep enough for generated SQL, shallow enough for the stack. */
const MAX_DEPTH = 1000;

/** @throws JsonError when it is nested too deeply */
export function parseTree(text: string): Node {
  const { value } = parseExact(text, { maxDepth: MAX_DEPTH });
  if (!isNode(value)) throw new TypeError('a syntax tree is an object');
  return value;
}

export function isNode(value: JsonValue | undefined): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON text, with integers of any size as they are. */
export function treeText(value: JsonValue): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(treeText).join(',')}]`;
  if (isNode(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${treeText(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Replaces nodes from the leaves up: `change` gets each node when everything below it is done. */
export function mapTree(value: JsonValue, change: (node: Node) => Node): JsonValue {
  if (Array.isArray(value)) return value.map((item) => mapTree(item, change));
  if (!isNode(value)) return value;
  const mapped: Node = {};
  for (const [key, item] of Object.entries(value)) mapped[key] = mapTree(item, change);
  return change(mapped);
}

const expression = (kind: string, type: string, rest: Node, alias = ''): Node => ({
  class: kind,
  type,
  alias,
  query_location: 0,
  ...rest,
});

const typeNode = (id: string): Node => ({ id, type_info: null });

export function textConstant(value: string | null, alias = ''): Node {
  return expression(
    'CONSTANT',
    'VALUE_CONSTANT',
    { value: { type: typeNode('VARCHAR'), is_null: value === null, ...(value === null ? {} : { value }) } },
    alias,
  );
}

export function castNode(child: Node, type: Node, alias = ''): Node {
  return expression('CAST', 'OPERATOR_CAST', { child, cast_type: type, try_cast: false }, alias);
}

/** A type by its name; `width` and `scale` only for DECIMAL. */
export function simpleType(id: string): Node {
  return typeNode(id);
}

export function decimalType(width: number, scale: number): Node {
  return {
    id: 'DECIMAL',
    type_info: { type: 'DECIMAL_TYPE_INFO', alias: '', extension_info: null, width, scale },
  };
}

export function listType(child: Node): Node {
  return {
    id: 'LIST',
    type_info: { type: 'LIST_TYPE_INFO', alias: '', extension_info: null, child_type: child },
  };
}

export function call(name: string, children: readonly Node[], alias = ''): Node {
  return expression(
    'FUNCTION',
    'FUNCTION',
    {
      function_name: name,
      schema: '',
      children: [...children],
      filter: null,
      order_bys: { type: 'ORDER_MODIFIER', orders: [] },
      distinct: false,
      is_operator: false,
      export_state: false,
      catalog: '',
    },
    alias,
  );
}

export function not(child: Node, alias = ''): Node {
  return expression('OPERATOR', 'OPERATOR_NOT', { children: [child] }, alias);
}

/** The text of a constant, or undefined when the node is none. Numbers and booleans as their text. */
export function constantText(node: JsonValue | undefined): string | undefined {
  if (!isNode(node)) return undefined;
  if (node['class'] === 'CAST') return constantText(node['child']);
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] === true) return undefined;
  const inner = value['value'];
  return typeof inner === 'object' || inner === undefined ? undefined : String(inner);
}

export function nodesOf(value: JsonValue | undefined): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
