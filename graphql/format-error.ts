import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { InvalidSpecError } from '../compute/jobs/job-service.ts';
import { CancelledError, RunlakeError } from '../lake/errors.ts';
import { activeTrace } from '../lake/telemetry.ts';
import { AddressForbiddenError } from './access/addresses.ts';
import { ForbiddenError, UnauthenticatedError } from './access/principal.ts';
import { BadUserInputError, LimitExceededError } from './errors.ts';

/** What a client learns of an error besides its message. */
export function errorExtensions(error: RunlakeError): Record<string, unknown> {
  const { code, expected, where, remedy } = error;
  return {
    code,
    ...(expected !== undefined && { expected }),
    ...(where !== undefined && { where }),
    ...(remedy !== undefined && { remedy }),
    ...(error instanceof LimitExceededError && {
      limit: error.limit,
      allowed: error.allowed,
      asked: error.asked,
    }),
    ...((error instanceof BadUserInputError || error instanceof AddressForbiddenError) && {
      argument: error.argument,
    }),
    ...(error instanceof InvalidSpecError && { problems: error.problems }),
    ...(error instanceof ForbiddenError && { neededRole: error.needed }),
  };
}

/** The id under which a trace has what led to an error, where there are traces. */
export function traceExtension(): { readonly traceId?: string } {
  const ids = activeTrace();
  return ids === undefined ? {} : { traceId: ids.trace_id };
}

/** For errors that are found before a resolver runs. */
export function toGraphQLError(error: RunlakeError, status = 400): GraphQLError {
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...errorExtensions(error), http: { status } },
  });
}

const TOO_MANY_TOKENS = /Document contains more tha[nt] (\d+) tokens/;

/** The error that was thrown, under what GraphQL and Apollo wrapped around it. */
function originOf(error: unknown): unknown {
  let origin = error;
  while (origin instanceof GraphQLError && origin.originalError) origin = origin.originalError;
  // What was under way when time was up, or the token was revoked, says only that it was cancelled.
  if (origin instanceof CancelledError) {
    const { cause } = origin;
    if (cause instanceof LimitExceededError || cause instanceof UnauthenticatedError) return cause;
  }
  return origin;
}

/** Whether an error says nothing that a client may see. */
export function isInternal(error: unknown): boolean {
  const original = originOf(error);
  return !(original instanceof RunlakeError) && !(original instanceof GraphQLError);
}

/**
 * The form in which errors leave the server: our own with code, expectation, place and remedy; those of GraphQL
 * itself as they are; everything else masked (the log has it, under the id in the `x-request-id` header).
 */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { extensions, ...presented } = presentedError(formatted, error);
  return { ...presented, extensions: { ...extensions, ...traceExtension() } };
}

function presentedError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const original = originOf(error);
  const place = {
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
  };
  if (original instanceof RunlakeError) {
    return { message: original.message, ...place, extensions: errorExtensions(original) };
  }
  const tokens = TOO_MANY_TOKENS.exec(formatted.message);
  if (tokens) {
    const allowed = Number(tokens[1]);
    const limit = new LimitExceededError('documentTokens', allowed, allowed + 1, 'select fewer fields');
    return { message: `${limit.message} or more`, ...place, extensions: errorExtensions(limit) };
  }
  if (original instanceof GraphQLError) {
    // Coercion errors inside resolvers come without a code of their own.
    const known = formatted.extensions?.['code'];
    const code = known === undefined || known === 'INTERNAL_SERVER_ERROR' ? 'BAD_USER_INPUT' : known;
    return { message: formatted.message, ...place, extensions: { ...formatted.extensions, code } };
  }
  return { message: 'internal error', ...place, extensions: { code: 'INTERNAL' } };
}
