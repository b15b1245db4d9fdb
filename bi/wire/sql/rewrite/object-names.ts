import type { JsonValue } from '../../../../ingest/formats/json/value.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import {
  call,
  castNode,
  constantText,
  isNode,
  type Node,
  nodesOf,
  simpleType,
  textConstant,
  textOf,
} from '../tree.ts';
import type { RewriteContext } from './context.ts';

/** PostgreSQL's types for names of things in the catalog. */
export const OBJECT_TYPES = {
  regclass: 'regclass',
  regtype: 'regtype',
  regproc: 'regproc',
  regprocedure: 'regproc',
  regnamespace: 'regnamespace',
  regrole: 'regrole',
} as const;

/**
 * `'runs'::regclass` is a number here; `c.oid::regclass` is shown as a name, and becomes a number again where it is
 * compared or cast to one.
 */
export function objectCast(
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

/** Whether this shows a number as the name of a thing. */
export function isObjectName(node: Node): boolean {
  return (
    node['class'] === 'FUNCTION' &&
    /^reg(class|type|proc|namespace|role)_name$/.test(textOf(node['function_name']))
  );
}

/** What `regclass_name(x)` was made of. */
export function objectOid(node: Node): Node {
  const [child] = nodesOf(node['children']);
  if (child === undefined) return node;
  return call(textOf(node['function_name']).replace(/_name$/, '_oid'), [child]);
}

/** Names of things are compared as numbers. */
export function objectComparison(node: Node): Node {
  if (node['class'] !== 'COMPARISON') return node;
  const side = (value: JsonValue | undefined): JsonValue =>
    isNode(value) && isObjectName(value) ? objectOid(value) : (value ?? null);
  return { ...node, left: side(node['left']), right: side(node['right']) };
}
