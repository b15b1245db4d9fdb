import { isNode, mapTree, type Node } from '../tree.ts';
import { anyOf } from './arrays.ts';
import { castOf } from './casts.ts';
import type { RewriteContext } from './context.ts';
import { columnRef, functionCall } from './functions.ts';
import { objectComparison } from './object-names.ts';
import { baseTable, tableAliases, tableFunction, withoutTableOid } from './tables.ts';

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
      return castOf(node, context);
    case 'SUBQUERY':
      return node['subquery_type'] === 'ANY' ? anyOf(node) : node;
    default:
      return node['class'] === 'FUNCTION' ? functionCall(node, context) : objectComparison(node);
  }
}
