import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionNode,
} from 'graphql';

export interface SelectionContext {
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly variableValues: Readonly<Record<string, unknown>>;
}

/** All nodes that share a response key; validation guarantees that they name one field with equal arguments. */
export type FieldGroup = readonly [FieldNode, ...FieldNode[]];

function isWanted(context: SelectionContext, node: SelectionNode): boolean {
  const { variableValues } = context;
  if (!node.directives || node.directives.length === 0) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false;
}

/**
 * The sub-fields that a group of field nodes selects on an object type, by response key, with fragments
 * spread and `@skip`/`@include` decided. The lake has no abstract types, so every fragment applies.
 */
export function selectedFields(
  context: SelectionContext,
  group: readonly FieldNode[],
  type: GraphQLObjectType,
): Map<string, FieldGroup> {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const seen = new Set<string>();
  const visit = (selections: readonly SelectionNode[]): void => {
    for (const node of selections) {
      if (!isWanted(context, node)) continue;
      if (node.kind === Kind.FIELD) {
        const key = (node.alias ?? node.name).value;
        const nodes = fields.get(key);
        if (nodes) nodes.push(node);
        else fields.set(key, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if ((node.typeCondition?.name.value ?? type.name) === type.name) visit(node.selectionSet.selections);
      } else if (!seen.has(node.name.value)) {
        seen.add(node.name.value);
        const fragment = context.fragments[node.name.value];
        if (fragment?.typeCondition.name.value === type.name) visit(fragment.selectionSet.selections);
      }
    }
  };
  for (const { selectionSet } of group) if (selectionSet) visit(selectionSet.selections);
  return fields;
}

/** Whether a field of Query selects any of these of its object; for what is dear to compute. */
export function selectsAny(
  info: SelectionContext & Pick<GraphQLResolveInfo, 'fieldNodes' | 'returnType'>,
  names: ReadonlySet<string>,
): boolean {
  const type = getNamedType(info.returnType);
  if (!isObjectType(type)) return false;
  return [...selectedFields(info, info.fieldNodes, type).values()].some(([node]) =>
    names.has(node.name.value),
  );
}
