import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isListType,
  isNonNullType,
  Kind,
  GraphQLObjectType as ObjectType,
  type OperationDefinitionNode,
} from 'graphql';
import { getArgumentValues } from 'graphql/execution/values.js';
import { type FieldGroup, selectedFields } from '../plan/selection.ts';

export interface NodeEstimateRequest {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Coerced variables. */
  readonly variableValues: Readonly<Record<string, unknown>>;
}

/** Items of a list that takes no `first`. */
const UNKNOWN_LIST = 10;

/**
 * Upper bound of the objects in an answer: every list counts as full. Connections count once (their page size
 * belongs to `nodes` and `edges`).
 */
export function estimateNodes({ schema, document, operation, variableValues }: NodeEstimateRequest): number {
  const type = operation.operation === 'query' ? schema.getQueryType() : schema.getMutationType();
  if (!type) return 0;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  const context = { fragments, variableValues };
  const visit = (
    group: readonly FieldNode[],
    parent: GraphQLObjectType,
    page: number | undefined,
  ): number => {
    let total = 0;
    for (const [, nodes] of selectedFields(context, group, parent)) {
      total += visitField(nodes, parent, page);
    }
    return total;
  };
  const visitField = (nodes: FieldGroup, parent: GraphQLObjectType, page: number | undefined): number => {
    const field = parent.getFields()[nodes[0].name.value];
    const named = field && getNamedType(field.type);
    if (!field || !(named instanceof ObjectType)) return 0;
    const { first } = getArgumentValues(field, nodes[0], variableValues);
    const size = typeof first === 'number' ? Math.max(0, first) : undefined;
    const list = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    if (!list) return 1 + visit(nodes, named, size);
    return (size ?? page ?? UNKNOWN_LIST) * (1 + visit(nodes, named, undefined));
  };
  const root: FieldNode = {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: 'root' },
    selectionSet: operation.selectionSet,
  };
  return visit([root], type, undefined);
}
