import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { ROOT_ENTITIES } from '../plan/entities.ts';
import { launchField } from '../types/launch-names.ts';
import { ForbiddenError, mayAct, type Principal, type Role } from './principal.ts';

type RootType = 'query' | 'mutation' | 'subscription';

/** Who may use a field without a rule. */
const UNRULED: Role = 'operator';

/** The role that each root field needs. What is reached through one needs nothing more. */
const RULES: Readonly<Record<RootType, Readonly<Record<Role, readonly string[]>>>> = {
  query: {
    reader: [
      'run',
      ...ROOT_ENTITIES.keys(),
      'projectActivations',
      'nearestActivations',
      'differenceOfMeans',
      'classSeparation',
      'pcaActivations',
      'aggregateMetrics',
      'catalog',
      'chaosAudit',
      'compareRuns',
      'entropyComparison',
      'explainCost',
      'fvHeatmap',
      'fvLayerCurve',
      'issueRemedies',
      'job',
      'jobs',
      'lake',
      'models',
      'server',
      'sql',
    ],
    ingester: [],
    operator: [],
  },
  mutation: {
    // It writes what its caller may read, where the server chooses.
    reader: ['exportQuery'],
    ingester: ['ingest', ...TASKS.map(({ kind }) => launchField(kind)), 'cancelJob', 'retryJob'],
    operator: ['publishRun', 'compact', 'vacuum'],
  },
  subscription: { reader: ['jobUpdated', 'runIngested'], ingester: [], operator: [] },
};

const ROLE_BY_FIELD: ReadonlyMap<string, Role> = new Map(
  Object.entries(RULES).flatMap(([type, byRole]) =>
    Object.entries(byRole).flatMap(([role, fields]) =>
      fields.map((field): [string, Role] => [`${type}.${field}`, role as Role]),
    ),
  ),
);

/** The role that a root field needs, as the rules say; undefined for one without a rule, which only operators may use. */
export function ruleOf(type: RootType, field: string): Role | undefined {
  return ROLE_BY_FIELD.get(`${type}.${field}`);
}

/**
 * Lets an operation through only when its principal may use every root field it names, before any of them runs.
 * @throws ForbiddenError
 */
export function requireRoles(
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
  principal: Principal,
): void {
  for (const field of rootFieldNames(document, selectionSet)) {
    if (field.startsWith('__')) continue;
    const needed = ruleOf(operation, field) ?? UNRULED;
    if (!mayAct(principal.role, needed)) throw new ForbiddenError(field, principal, needed);
  }
}

/** Names of the root fields of an operation, fragments spread, whatever @skip and @include say. */
function rootFieldNames(document: DocumentNode, root: SelectionSetNode): ReadonlySet<string> {
  const fragments = new Map(
    document.definitions
      .filter(
        (definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION,
      )
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const names = new Set<string>();
  const seen = new Set<string>();
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) names.add(node.name.value);
      else if (node.kind === Kind.INLINE_FRAGMENT) visit(node.selectionSet);
      else if (!seen.has(node.name.value)) {
        seen.add(node.name.value);
        const fragment = fragments.get(node.name.value);
        if (fragment !== undefined) visit(fragment.selectionSet);
      }
    }
  };
  visit(root);
  return names;
}
