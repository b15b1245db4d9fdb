import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import { CloseCode } from 'graphql-ws';
import { useServer as serveSockets } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { RunlakeError } from '../lake/errors.ts';
import { type Credentials, credentialsOf, identify, principalOf } from './access/guard.ts';
import type { LongLived } from './access/long-lived.ts';
import { type Authenticator, type Principal, UnauthenticatedError } from './access/principal.ts';
import { requireRoles } from './access/rules.ts';
import type { RequestContext } from './context.ts';
import { LimitExceededError } from './errors.ts';
import { formatError, toGraphQLError } from './format-error.ts';
import { documentLimits } from './limits/document.ts';
import type { Limits } from './limits/limits.ts';
import { bracketDepth } from './limits/nesting.ts';
import { nestingDepth } from './limits/variables.ts';

export interface SubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  readonly authenticator: Authenticator;
  /** Ends subscriptions whose token is no longer good. */
  readonly longLived: LongLived;
  /** A context that lives until `signal` is aborted. */
  readonly contextOf: (principal: Principal, signal: AbortSignal) => RequestContext;
}

/** Subscriptions of one connection at most. */
const MAX_SUBSCRIPTIONS = 50;

/**
 * Adds subscriptions over WebSocket (`/graphql`, protocol graphql-transport-ws) and over server-sent events
 * (`/graphql/stream`). Both answer subscriptions only: queries and mutations have the limits of HTTP requests.
 */
export function addSubscriptions(app: FastifyInstance, options: SubscriptionOptions): void {
  const closing = new AbortController();
  const { schema, limits, authenticator, longLived, contextOf } = options;
  const prepare = (request: Operation, principal: Principal): ExecutionArgs | readonly GraphQLError[] => {
    const checked = checkedDocument(schema, limits, request, principal);
    if (Array.isArray(checked)) return checked;
    return {
      schema,
      document: checked as DocumentNode,
      contextValue: contextOf(principal, closing.signal),
      ...(request.operationName && { operationName: request.operationName }),
      ...(request.variables && { variableValues: request.variables }),
    };
  };
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.documentBytes });
  const protocol = serveSockets<Record<string, unknown> | undefined, { principal: Principal }>(
    {
      schema,
      async onConnect({ connectionParams, extra }) {
        const { socket, request } = extra;
        const admitted = (): Promise<Principal> =>
          identify(authenticator, socketCredentials(connectionParams, request));
        const refuse = (): void => socket.close(CloseCode.Unauthorized, 'Unauthorized');
        try {
          extra.principal = await admitted();
        } catch {
          refuse();
          return false;
        }
        socket.once('close', longLived.watch(admitted, refuse));
        return true;
      },
      onSubscribe({ subscriptions, extra: { principal } }, _id, payload) {
        if (principal === undefined) return [toGraphQLError(new UnauthenticatedError('nobody is known'))];
        return Object.keys(subscriptions).length > MAX_SUBSCRIPTIONS
          ? [new GraphQLError(`a connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`)]
          : prepare(payload, principal);
      },
      onNext: (_context, _id, _payload, _args, result) => presentable(result),
      onError: (_context, _id, _payload, errors) => errors.map(presentableError),
    },
    sockets,
  );
  app.server.on('upgrade', (request, socket, head) => {
    if (pathOf(request) !== '/graphql' || !sameOrigin(request)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
  });
  const stream = createHandler({
    schema,
    onSubscribe: ({ raw }, { query, operationName, variables }) => {
      const prepared = prepare({ query: String(query), operationName, variables }, principalOf(raw));
      if (!('schema' in prepared)) return { errors: prepared.map(presentableError) };
      return prepared as ExecutionArgs & { contextValue: undefined };
    },
    onNext: (_context, _request, result) => presentable(result as ExecutionResult),
  });
  app.route({
    method: ['GET', 'POST', 'PUT', 'DELETE'],
    url: '/graphql/stream',
    config: { access: 'reader' },
    handler(request, reply) {
      const admitted = (): Promise<Principal> => identify(authenticator, credentialsOf(request));
      reply.raw.once(
        'close',
        longLived.watch(admitted, () => reply.raw.destroy()),
      );
      return stream(request, reply);
    },
  });
  app.addHook('preClose', async () => {
    closing.abort(new Error('the server is closing'));
    await protocol.dispose();
  });
}

interface Operation {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** The document of a subscription that may be executed, or what is wrong with it. */
function checkedDocument(
  schema: GraphQLSchema,
  limits: Limits,
  { query, operationName, variables }: Operation,
  principal: Principal,
): DocumentNode | readonly GraphQLError[] {
  let document: DocumentNode;
  try {
    checkNesting(query, variables, limits);
    document = parse(query, { maxTokens: limits.documentTokens });
  } catch (error) {
    return [graphqlErrorOf(error)];
  }
  const errors = validate(schema, document, [...specifiedRules, documentLimits(limits)]);
  if (errors.length > 0) return errors;
  const operation = getOperationAST(document, operationName);
  if (operation?.operation === 'subscription') {
    try {
      requireRoles(document, operation, principal);
      return document;
    } catch (error) {
      return [graphqlErrorOf(error)];
    }
  }
  return [
    new GraphQLError('only subscriptions are answered here', {
      extensions: { code: 'BAD_USER_INPUT', remedy: 'send queries and mutations to /graphql over HTTP' },
    }),
  ];
}

/** @throws LimitExceededError for what would overflow the stack of everything that recurses */
function checkNesting(query: string, variables: unknown, { brackets, inputDepth }: Limits): void {
  const depth = bracketDepth(query);
  if (depth > brackets) throw new LimitExceededError('brackets', brackets, depth, 'nest less');
  const levels = nestingDepth(variables, inputDepth);
  if (levels > inputDepth) throw new LimitExceededError('inputDepth', inputDepth, levels, 'nest less');
}

function graphqlErrorOf(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  return error instanceof RunlakeError ? toGraphQLError(error) : new GraphQLError(String(error));
}

/**
 * Browsers cannot give a WebSocket headers: its first message may hold the token, as `authorization` like the header. Other
 * clients may send the header itself.
 */
function socketCredentials(
  params: Readonly<Record<string, unknown>> | undefined,
  { headers }: IncomingMessage,
): Credentials {
  const given = params?.['authorization'] ?? params?.['Authorization'];
  return { authorization: typeof given === 'string' ? given : headers.authorization, host: headers.host };
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** Browsers let any page open a WebSocket to any host, but say which page it was. */
function sameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

/** An error as `formatError` shows it to clients, in the class that both protocols know. */
function presentableError(error: GraphQLError): GraphQLError {
  const { message, extensions } = formatError(error.toJSON(), error);
  const { nodes, source, positions, path } = error;
  return new GraphQLError(message, { nodes, source, positions, path, ...(extensions && { extensions }) });
}

function presentable<R extends ExecutionResult>(result: R): R {
  return result.errors === undefined ? result : { ...result, errors: result.errors.map(presentableError) };
}

/**
 * An iterator over what `begin` gives, whose `return` ends it at once: a generator that waits for the next change would
 * hear of it only after that change.
 */
export function endable<T>(
  signal: AbortSignal,
  begin: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncIterableIterator<T> {
  const stop = new AbortController();
  const items = begin(AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  return {
    next: () => items.next(),
    async return() {
      stop.abort();
      await items.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
