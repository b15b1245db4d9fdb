import {
  ApolloServer,
  type ApolloServerOptionsWithGateway,
  type ApolloServerPlugin,
  type GraphQLRequestListener,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { ForbiddenError } from './access/principal.ts';
import { requireRoles } from './access/rules.ts';
import type { RequestContext } from './context.ts';
import { BadUserInputError, LimitExceededError } from './errors.ts';
import { createExecutor } from './execution/executor.ts';
import { formatError, isInternal, toGraphQLError } from './format-error.ts';
import { documentLimits } from './limits/document.ts';
import type { Limits } from './limits/limits.ts';
import { estimateNodes } from './limits/nodes.ts';
import { nestingDepth } from './limits/variables.ts';
import type { Metrics } from './observability/metrics.ts';
import { observeOperations } from './observability/operations.ts';

const NO_SUBSCRIPTIONS = new BadUserInputError('query', 'subscriptions are not answered here', {
  remedy: 'subscribe over WebSocket at /graphql, or over server-sent events at /graphql/stream',
});

function checkRoles(...operation: Parameters<typeof requireRoles>): void {
  try {
    requireRoles(...operation);
  } catch (error) {
    throw error instanceof ForbiddenError ? toGraphQLError(error, 403) : error;
  }
}

/** Refuses requests that their principal may not make, or over the limits that depend on variables, before anything runs. */
function requestLimits(
  schema: GraphQLSchema,
  limits: Limits,
): GraphQLRequestListener<RequestContext>['didResolveOperation'] {
  return async ({ document, operation, request, contextValue }) => {
    if (operation !== undefined) checkRoles(document, operation, contextValue.principal);
    if (operation?.operation === 'subscription') throw toGraphQLError(NO_SUBSCRIPTIONS);
    if (operation?.operation === 'mutation') contextValue.unlimitTime();
    const depth = nestingDepth(request.variables, limits.inputDepth);
    if (depth > limits.inputDepth) {
      throw toGraphQLError(
        new LimitExceededError('inputDepth', limits.inputDepth, depth, 'flatten the filter with in, and, or'),
      );
    }
    if (operation === undefined) return;
    const { coerced } = getVariableValues(
      schema,
      operation.variableDefinitions ?? [],
      request.variables ?? {},
    );
    // Wrong variables are reported by the execution, with their names.
    if (coerced === undefined) return;
    const nodes = estimateNodes({ schema, document, operation, variableValues: coerced });
    if (nodes > limits.nodes) {
      throw toGraphQLError(new LimitExceededError('nodes', limits.nodes, nodes, 'ask for smaller pages'));
    }
  };
}

/** Puts `extensions.snapshot` and `extensions.issues` into every answer, and logs what is masked. */
function answers(schema: GraphQLSchema, limits: Limits): ApolloServerPlugin<RequestContext> {
  const didResolveOperation = requestLimits(schema, limits);
  return {
    async requestDidStart() {
      return {
        ...(didResolveOperation && { didResolveOperation }),
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) {
            if (isInternal(error))
              contextValue.logger.error({ err: error.originalError ?? error }, 'internal error');
          }
        },
        async willSendResponse({ response, contextValue, operation }) {
          if (response.body.kind !== 'single' || operation === undefined) return;
          const result = response.body.singleResult;
          if (result.data === undefined || result.data === null) {
            if (contextValue.snapshots.tokens.length === 0) return;
          } else if (contextValue.snapshots.tokens.length === 0 && Object.keys(result.data).length > 0) {
            await newestSnapshot(contextValue);
          }
          const [snapshot, ...others] = contextValue.snapshots.tokens;
          const { issues } = contextValue;
          result.extensions = {
            ...result.extensions,
            ...(snapshot !== undefined && { snapshot }),
            ...(others.length > 0 && { snapshots: contextValue.snapshots.tokens }),
            ...(issues.count > 0 && { issues: issues.reported, issueCount: issues.count }),
          };
        },
      };
    },
  };
}

/** An answer that read no rows (a mutation, `sql` without tables) still says which state it belongs to. */
async function newestSnapshot(context: RequestContext): Promise<void> {
  try {
    await context.snapshots.at();
  } catch (error) {
    context.logger.warn({ err: error }, 'no snapshot for an answer');
  }
}

/** Apollo Server lets nobody else execute operations but a gateway. */
function gatewayOf(schema: GraphQLSchema): ApolloServerOptionsWithGateway<RequestContext>['gateway'] {
  const run = createExecutor(schema);
  return {
    onSchemaLoadOrUpdate(loaded) {
      loaded({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    load: async () => ({
      // The name that was asked for: `operationName` is null where no operation has it.
      executor: ({ document, request: { operationName, variables }, context }) =>
        run({ document, operationName, variableValues: variables, contextValue: context }),
    }),
    stop: async () => undefined,
  };
}

/** Apollo Server over a schema, without anything that calls out. */
export function createApollo(
  schema: GraphQLSchema,
  limits: Limits,
  metrics: Metrics | undefined,
): ApolloServer<RequestContext> {
  return new ApolloServer<RequestContext>({
    gateway: gatewayOf(schema),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: limits.documentTokens },
    validationRules: [documentLimits(limits)],
    formatError,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      // It would call a hook for every field of every row.
      ApolloServerPluginCacheControlDisabled(),
      answers(schema, limits),
      observeOperations(metrics),
    ],
  });
}
