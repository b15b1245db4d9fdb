import type { ApolloServerPlugin } from '@apollo/server';
import { Kind, type OperationDefinitionNode } from 'graphql';
import { describeSpan } from '../../lake/telemetry.ts';
import type { RequestContext } from '../context.ts';
import type { Metrics } from './metrics.ts';

/** Longest name of an operation in the log. */
const NAME_LENGTH = 100;

/** Logs and counts every operation when it has been answered: who asked for what, what it read, and what came of it. */
export function observeOperations(metrics: Metrics | undefined): ApolloServerPlugin<RequestContext> {
  return {
    async requestDidStart() {
      const started = performance.now();
      return {
        async willSendResponse({ response, operation, request, contextValue }) {
          const { cost, principal, snapshots, logger } = contextValue;
          const result = response.body.kind === 'single' ? response.body.singleResult : undefined;
          const outcome = String(result?.errors?.[0]?.extensions?.['code'] ?? 'ok');
          const type = operation?.operation ?? 'none';
          const field = rootField(operation);
          const ms = performance.now() - started;
          metrics?.answered({ type, field, outcome, seconds: ms / 1000, cost });
          const { files, bytes, rows, statements } = cost;
          const name = (operation?.name?.value ?? request.operationName)?.slice(0, NAME_LENGTH);
          describeSpan(operation?.operation, {
            'graphql.operation.type': type,
            ...(name && { 'graphql.operation.name': name }),
            'runlake.field': field,
            'runlake.outcome': outcome,
            'runlake.principal': principal.name,
          });
          logger.info(
            {
              principal: principal.name,
              type,
              field,
              ...(name && { operation: name }),
              outcome,
              ms: Math.round(ms),
              files,
              bytes,
              rows,
              statements,
              ...(snapshots.tokens[0] !== undefined && { snapshot: snapshots.tokens[0] }),
            },
            'operation',
          );
        },
      };
    },
  };
}

function rootField(operation: OperationDefinitionNode | null | undefined): string {
  const selections = operation?.selectionSet.selections ?? [];
  const [only] = selections;
  if (only === undefined) return 'none';
  return selections.length === 1 && only.kind === Kind.FIELD ? only.name.value : 'several';
}
