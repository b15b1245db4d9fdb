import { randomUUID } from 'node:crypto';
import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { LakeReader } from '../lake/engine/types.ts';
import { inSpan } from '../lake/telemetry.ts';
import { AddressPolicy } from './access/addresses.ts';
import { type Access, addGuard, principalOf } from './access/guard.ts';
import { LongLived } from './access/long-lived.ts';
import { type Authenticator, OPEN, type Principal } from './access/principal.ts';
import { answerError } from './answer-error.ts';
import { createApollo } from './apollo.ts';
import type { RequestContext, Services } from './context.ts';
import { LimitExceededError } from './errors.ts';
import { addExplorer } from './explorer.ts';
import { addExports } from './export-routes.ts';
import { addArrivalLimit } from './limits/arrival.ts';
import { ConcurrencyGate } from './limits/concurrency.ts';
import { DEFAULT_LIMITS, type Limits } from './limits/limits.ts';
import { bracketDepth } from './limits/nesting.ts';
import { type RequestLife, RequestLives } from './limits/request-lives.ts';
import { RequestCost } from './observability/cost.ts';
import { addTracing } from './observability/tracing.ts';
import { createSchema } from './schema.ts';
import { SnapshotScope } from './snapshots.ts';
import { addSubscriptions } from './subscriptions.ts';
import { ValueIssues } from './value-issues.ts';

export interface ServerConfig {
  readonly limits?: Partial<Limits>;
  /** How long a closing server waits for running queries before it cancels them, in milliseconds. Default 10,000. */
  readonly drainMs?: number;
  /** Whether `X-Forwarded-For` of a proxy is believed. Default false. */
  readonly trustProxy?: boolean;
  /** Milliseconds in which a request has to arrive completely. Default 30,000. */
  readonly arrivalMs?: number;
  /** How often it is looked whether those who are being answered are still let in, in milliseconds. Default 2,000. */
  readonly admissionMs?: number;
  /** Who a request counts for in the concurrency limit; by default its token, and its address without one. */
  readonly clientOf?: (request: FastifyRequest) => string;
}

export interface ServerOptions extends Services {
  /** Counts what each client has under way; one for all doors of a server. */
  readonly gate?: ConcurrencyGate | undefined;
  /** What callers with a token may name beside the rows of the lake. Without it nothing is. */
  readonly addresses?: AddressPolicy | undefined;
  /** Who is let in. Without it everybody may do everything: only for servers that nobody else can reach. */
  readonly authenticator?: Authenticator | undefined;
  /** Directory of the built explorer. Without it browsers are told where to ask. */
  readonly explorer?: string | undefined;
  readonly config?: ServerConfig;
  /** A pino logger (or one like it); silent without. */
  readonly logger?: FastifyBaseLogger;
}

const NO_ADDRESSES = new AddressPolicy({ store: '', readRoots: [], writeRoots: [], endpoints: [] });

const NO_EXPLORER =
  'Runlake answers GraphQL at POST /graphql. The console is a page of the explorer, which this server was started without: npm run build makes it.\n';

const ARRIVAL_MS = 30_000;

const SAFE_REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * The HTTP server: the explorer at `/`, `/graphql` (POST, GET for queries, WebSocket for subscriptions; browsers are led to the console of the explorer), `/graphql/stream`
 * (subscriptions as server-sent events), `/export` (rows as Arrow and Parquet), `/healthz` and `/readyz`.
 * It listens where the caller says (`app.listen`). `app.close()` lets running queries finish, then cancels them.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { explorer, config = {}, logger, ...others } = options;
  const { authenticator = OPEN, addresses = NO_ADDRESSES, gate: given, ...services } = others;
  const { reader, jobs, catalog = [], exporter, metrics } = services;
  const { arrivalMs = ARRIVAL_MS } = config;
  const limits: Limits = { ...DEFAULT_LIMITS, ...config.limits };
  const gate = given ?? new ConcurrencyGate(limits.concurrentQueries);
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : { logger: false }),
    bodyLimit: limits.documentBytes,
    trustProxy: config.trustProxy ?? false,
    forceCloseConnections: 'idle',
    requestTimeout: arrivalMs,
    http: { connectionsCheckingInterval: Math.min(arrivalMs, 5_000) },
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && SAFE_REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  addTracing(app);
  const schema = await createSchema();
  const apollo = createApollo(schema, limits, metrics);
  await apollo.start();
  const longLived = new LongLived(config.admissionMs);
  const running = new RequestLives({ authenticator, longLived, timeMs: limits.time });
  addHealth(app, reader);
  if (explorer !== undefined) await addExplorer(app, explorer);
  else app.get('/', OPEN_ROUTE, async () => NO_EXPLORER);
  addShutdown(app, apollo, running, longLived, config.drainMs ?? 10_000);
  app.setErrorHandler(answerError(limits));
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
  });
  addArrivalLimit(app, arrivalMs);
  addGuard(app, authenticator);
  metrics?.addTo(app, reader, jobs);
  const clientOf = config.clientOf ?? ((request) => request.principal?.tokenId ?? request.ip);
  const contextOf = (
    principal: Principal,
    id: string,
    log: FastifyBaseLogger,
    life: RequestLife,
    origin?: string,
  ): RequestContext => ({
    principal,
    addresses: principal.tokenId === undefined ? undefined : addresses,
    ...services,
    origin,
    limits,
    cost: new RequestCost(),
    ...life,
    deadline: performance.now() + limits.time,
    snapshots: new SnapshotScope(reader, life.signal),
    issues: new ValueIssues(),
    logger: log,
    requestId: id,
  });
  const handle = fastifyApolloHandler(apollo, {
    context: async (request, reply) =>
      contextOf(
        principalOf(request),
        request.id,
        request.log,
        running.start(request, reply),
        `${request.protocol}://${request.host}`,
      ),
  });
  addSubscriptions(app, {
    schema,
    limits,
    authenticator,
    longLived,
    contextOf: (principal, signal) =>
      contextOf(principal, randomUUID(), app.log, { signal, unlimitTime: () => undefined }),
  });
  const enter = (request: FastifyRequest, reply: FastifyReply) => {
    reply.raw.once('close', gate.enter(clientOf(request)));
  };
  if (exporter !== undefined) {
    const lifeOf = running.start.bind(running);
    addExports(app, { reader, exporter, schema, catalog, limits, lifeOf, enter, metrics });
  }
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    config: { access: (request): Access => (isBrowser(request) ? 'open' : 'reader') },
    onRequest: async (request, reply) => {
      if (!isBrowser(request)) enter(request, reply);
    },
    preHandler: async (request) => {
      for (const source of [request.body, request.query]) checkBrackets(source, limits.brackets);
    },
    handler(request, reply) {
      // Named by the operation, once that is known.
      if (!isBrowser(request)) return inSpan('GraphQL Operation', {}, () => handle.call(app, request, reply));
      return explorer === undefined ? NO_EXPLORER : reply.redirect('/console');
    },
  });
  return app;
}

function checkBrackets(source: unknown, max: number): void {
  if (typeof source !== 'object' || source === null || !('query' in source)) return;
  const depth = typeof source.query === 'string' ? bracketDepth(source.query) : 0;
  if (depth > max) throw new LimitExceededError('brackets', max, depth, 'nest less');
}

/** A browser that was pointed at the endpoint. */
function isBrowser({ method, headers, query }: FastifyRequest): boolean {
  const isQuery = typeof query === 'object' && query !== null && 'query' in query;
  return method === 'GET' && !isQuery && (headers.accept ?? '').includes('text/html');
}

const OPEN_ROUTE = { config: { access: 'open' as const } };

function addHealth(app: FastifyInstance, reader: LakeReader): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.get('/healthz', OPEN_ROUTE, async () => ({ status: 'ok' }));
  app.get('/readyz', OPEN_ROUTE, async (request, reply) => {
    if (closing) return reply.code(503).send({ status: 'closing' });
    try {
      const { token } = await reader.snapshot(undefined, { signal: AbortSignal.timeout(10_000) });
      return { status: 'ready', snapshot: token };
    } catch (error) {
      request.log.error({ err: error }, 'the lake cannot be read');
      return reply.code(503).send({ status: 'unavailable' });
    }
  });
}

function addShutdown(
  app: FastifyInstance,
  apollo: ApolloServer<RequestContext>,
  running: RequestLives,
  longLived: LongLived,
  drainMs: number,
): void {
  let timer: NodeJS.Timeout | undefined;
  app.addHook('preClose', async () => {
    timer = setTimeout(() => running.abort(), drainMs);
    // Connections that are kept alive (or were opened for nothing) would hold the closing server up.
    void running.ended().then(() => app.server.closeAllConnections());
  });
  app.addHook('onClose', async () => {
    clearTimeout(timer);
    longLived.close();
    await apollo.stop();
  });
}
