import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { parseAsOf } from '../lake/as-of.ts';
import { QueryBytesError, QueryTimeoutError } from '../lake/engine/errors.ts';
import type { LakeReader } from '../lake/engine/types.ts';
import { ExportSizeError } from '../lake/export/errors.ts';
import type { Exporter } from '../lake/export/exporter.ts';
import { type ExportFormat, type ExportOptions, FORMATS } from '../lake/export/result.ts';
import { principalOf } from './access/guard.ts';
import type { RequestContext } from './context.ts';
import { BadUserInputError, ExportNotFoundError, LimitExceededError } from './errors.ts';
import { exportedStatement, exportRows } from './export-request.ts';
import type { Limits } from './limits/limits.ts';
import { ExportAccount, type ExportStart } from './observability/exports.ts';
import type { Metrics } from './observability/metrics.ts';
import type { ExportedRelation } from './plan/export.ts';

/** How long a client may take nothing of an export before it is given up. */
const STALL_MS = 60_000;

/** Formats by the name of the route that streams them; Arrow streams as an IPC stream. */
const STREAMED: Readonly<Record<string, ExportFormat>> = { arrow: 'arrow-stream', parquet: 'parquet' };

const query = z.strictObject({
  sql: z.string().min(1).optional(),
  rows: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  asOf: z.string().optional(),
});

export interface ExportRouteOptions {
  readonly reader: LakeReader;
  readonly exporter: Pick<Exporter, 'open' | 'find'>;
  readonly schema: GraphQLSchema;
  /** What SQL can read. */
  readonly catalog: readonly ExportedRelation[];
  readonly limits: Limits;
  /** How long a request may go on. */
  readonly lifeOf: (
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Pick<RequestContext, 'signal' | 'unlimitTime'>;
  /** Counts a request for the limit of requests at the same time. @throws LimitExceededError */
  readonly enter: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly metrics: Metrics | undefined;
}

/** What exports may ask of a server, as options of theirs; what they read is put to their account. */
export function exportLimits(limits: Limits, signal: AbortSignal, { cost }: ExportAccount): ExportOptions {
  const { exportTime: timeoutMs, exportBytes: maxExportBytes, bytesRead: maxBytes } = limits;
  return { signal, timeoutMs, maxExportBytes, maxBytes, onSizes: (sizes) => cost.read(sizes) };
}

/** Names the limit that an export was over; other errors stay what they are. */
export function exportError(error: unknown, { exportTime, exportBytes }: Limits): unknown {
  if (error instanceof QueryTimeoutError) {
    return new LimitExceededError('exportTime', exportTime, exportTime, 'select fewer columns or rows');
  }
  if (error instanceof QueryBytesError) {
    const { allowed, bytes, remedy = 'read less' } = error;
    return new LimitExceededError('bytesRead', allowed, bytes, remedy);
  }
  if (error instanceof ExportSizeError) {
    return new LimitExceededError('exportBytes', exportBytes, exportBytes + 1, 'export in parts');
  }
  return error;
}

/**
 * `GET` and `POST /export/query.arrow` (and `.parquet`) stream the rows of a statement; `GET /export/<name>` gives a stored
 * export. A stream that fails after its first bytes breaks off: its last chunk never comes, which every HTTP client tells from
 * an end. Rows and SHA-256 follow as trailers.
 */
export function addExports(app: FastifyInstance, options: ExportRouteOptions): void {
  const { reader, exporter, schema, catalog, limits, lifeOf, enter, metrics } = options;
  const accountOf = (request: FastifyRequest, start: Omit<ExportStart, 'principal'>) =>
    new ExportAccount({ ...start, principal: principalOf(request) }, { logger: request.log, metrics });
  /** A life without limit of time that takes the connection with it: whoever reads slowly would not notice its end. */
  const begin = (request: FastifyRequest, reply: FastifyReply): AbortSignal => {
    const { signal, unlimitTime } = lifeOf(request, reply);
    unlimitTime();
    signal.addEventListener('abort', () => {
      if (reply.raw.headersSent) reply.raw.destroy();
    });
    return signal;
  };
  const route = {
    config: { access: 'reader' as const },
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => enter(request, reply),
  };

  const stream = async (request: FastifyRequest, reply: FastifyReply, asked: unknown) => {
    const format = STREAMED[z.object({ format: z.string() }).parse(request.params).format];
    if (format === undefined) {
      throw new ExportNotFoundError('there is no such format', {
        expected: Object.keys(STREAMED)
          .map((name) => `/export/query.${name}`)
          .join(' or '),
        remedy: 'runlake sql --format csv (or json) writes others',
      });
    }
    const parsed = query.safeParse(asked);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new BadUserInputError(issue?.path.join('.') || 'query', issue?.message ?? 'is wrong', {
        expected:
          '`sql`, one SELECT statement, or `rows`, and perhaps `asOf`: a snapshot token, a version of runs or a time',
      });
    }
    const signal = begin(request, reply);
    const { sql, rows, asOf } = parsed.data;
    const statement = exportedStatement(
      { sql, rows: rows === undefined ? undefined : exportRows(schema, rows) },
      limits,
      catalog,
    );
    const account = accountOf(request, { how: 'stream', format, sql: statement.sql });
    try {
      const snapshot = await reader.snapshot(parseAsOf(asOf), { signal });
      account.snapshot = snapshot.token;
      const limited = exportLimits(limits, signal, account);
      const result = await exporter.open({ snapshot, ...statement, format }, limited);
      reply
        .header('x-runlake-snapshot', snapshot.token)
        .trailer('x-runlake-rows', async () => String(result.summary.rows))
        .trailer('x-runlake-sha256', async () => result.summary.sha256)
        .type(FORMATS[format].mediaType);
      // One piece waits here and one in the socket: the rest is made as the client takes it.
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      const pieces = account.counted(result, () => result.summary.rows);
      return reply.send(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }));
    } catch (error) {
      const named = exportError(error, limits);
      account.failed(named);
      throw named;
    }
  };
  // HEAD would run the whole statement.
  app.get('/export/query.:format', { ...route, exposeHeadRoute: false }, (request, reply) =>
    stream(request, reply, request.query),
  );
  app.post('/export/query.:format', route, (request, reply) => stream(request, reply, request.body));

  app.get('/export/:name', route, async (request, reply) => {
    const { name } = z.object({ name: z.string() }).parse(request.params);
    const signal = begin(request, reply);
    const found = await exporter.find(name, { signal });
    if (found === undefined) {
      throw new ExportNotFoundError('there is no such export, or no longer', {
        remedy: 'ask for it again with exportQuery: a stored export lives for a day',
      });
    }
    const account = accountOf(request, { how: 'download', format: found.format });
    reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
    reply
      .type(FORMATS[found.format].mediaType)
      .header('content-length', found.bytes)
      .header('content-disposition', `attachment; filename="${name}"`);
    return reply.send(Readable.from(account.counted(found.stream(), () => 0)));
  });
}
