import { isNode, listType, type Node, simpleType, textOf } from '../tree.ts';
import { arrayCast } from './arrays.ts';
import type { RewriteContext } from './context.ts';
import { isObjectName, OBJECT_TYPES, objectCast, objectOid } from './object-names.ts';
import { ARRAY_ELEMENTS, TYPES } from './type-names.ts';

/** A cast to a type that DuckDB knows. */
export function castOf(node: Node, context: RewriteContext): Node {
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
