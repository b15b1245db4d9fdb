import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { LimitExceededError } from '../errors.ts';
import { toGraphQLError } from '../format-error.ts';
import type { Limits } from './limits.ts';

/** The size of an operation with its fragments spread. Introspection is not counted: it reads no data. */
export interface DocumentSize {
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
}

const NOTHING: DocumentSize = { depth: 0, aliases: 0, fields: 0 };

/** Measures each fragment once, so that fragments that spread each other twice cost nothing to refuse. */
function measurer(fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
  const known = new Map<string, DocumentSize>();
  const measure = (set: SelectionSetNode): DocumentSize => {
    let depth = 0;
    let aliases = 0;
    let fields = 0;
    for (const node of set.selections) {
      let size = NOTHING;
      if (node.kind === Kind.FIELD) {
        const isIntrospection = node.name.value.startsWith('__');
        const inner = node.selectionSet && !isIntrospection ? measure(node.selectionSet) : NOTHING;
        size = {
          depth: inner.depth + 1,
          aliases: inner.aliases + (node.alias ? 1 : 0),
          fields: inner.fields + 1,
        };
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        size = measure(node.selectionSet);
      } else {
        size = fragment(node.name.value);
      }
      depth = Math.max(depth, size.depth);
      aliases += size.aliases;
      fields += size.fields;
    }
    return { depth, aliases, fields };
  };
  const fragment = (name: string): DocumentSize => {
    const size = known.get(name);
    if (size) return size;
    // A fragment that spreads itself is refused by another rule; here it must only end.
    known.set(name, NOTHING);
    const definition = fragments.get(name);
    const measured = definition ? measure(definition.selectionSet) : NOTHING;
    known.set(name, measured);
    return measured;
  };
  return measure;
}

function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}

/** The size of one operation of a document. */
export function operationSize(document: DocumentNode, operation: OperationDefinitionNode): DocumentSize {
  return measurer(fragmentsOf(document))(operation.selectionSet);
}

/** A validation rule that refuses operations over the limits before anything is planned. */
export function documentLimits(limits: Limits): (context: ValidationContext) => ASTVisitor {
  return (context) => {
    const measure = measurer(fragmentsOf(context.getDocument()));
    return {
      OperationDefinition(operation) {
        const size = measure(operation.selectionSet);
        const check = (
          limit: 'depth' | 'aliases' | 'fields' | 'rootFields',
          asked: number,
          remedy: string,
        ) => {
          if (asked <= limits[limit]) return;
          context.reportError(toGraphQLError(new LimitExceededError(limit, limits[limit], asked, remedy)));
        };
        check('depth', size.depth, 'ask for nested rows from their own root field');
        check('aliases', size.aliases, 'send several requests');
        check('fields', size.fields, 'select fewer fields');
        check('rootFields', rootFields(context, operation.selectionSet), 'send several requests');
        return false;
      },
    };
  };
}

function rootFields(context: ValidationContext, set: SelectionSetNode, seen = new Set<string>()): number {
  let count = 0;
  for (const node of set.selections) {
    if (node.kind === Kind.FIELD) count++;
    else if (node.kind === Kind.INLINE_FRAGMENT) count += rootFields(context, node.selectionSet, seen);
    else if (!seen.has(node.name.value)) {
      seen.add(node.name.value);
      const fragment = context.getFragment(node.name.value);
      if (fragment) count += rootFields(context, fragment.selectionSet, seen);
    }
  }
  return count;
}
