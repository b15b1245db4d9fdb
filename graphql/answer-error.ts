import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { RunlakeError } from '../lake/errors.ts';
import { LimitExceededError } from './errors.ts';
import { errorExtensions, traceExtension } from './format-error.ts';
import type { Limits } from './limits/limits.ts';

const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  EXPORT_NOT_FOUND: 404,
  TOKENS_UNAVAILABLE: 503,
};

function statusOf(error: RunlakeError): number {
  const busy = error instanceof LimitExceededError && error.limit === 'concurrentQueries';
  return busy ? 429 : (STATUS[error.code] ?? 400);
}

/** Errors outside GraphQL (bodies that are no JSON, too many requests) in the form of GraphQL errors. */
export function answerError(limits: Limits) {
  return (error: FastifyError | RunlakeError, request: FastifyRequest, reply: FastifyReply) => {
    const send = (status: number, message: string, extensions: object) =>
      reply
        .code(status)
        .type('application/json; charset=utf-8')
        .send({ errors: [{ message, extensions: { ...extensions, ...traceExtension() } }] });
    if (error instanceof RunlakeError) {
      const status = statusOf(error);
      if (status === 401) reply.header('www-authenticate', 'Bearer realm="runlake"');
      return send(status, error.message, errorExtensions(error));
    }
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const asked = Number(request.headers['content-length'] ?? limits.documentBytes + 1);
      const limit = new LimitExceededError(
        'documentBytes',
        limits.documentBytes,
        asked,
        'send a smaller request',
      );
      return send(413, limit.message, errorExtensions(limit));
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return send(status, error.message, { code: 'BAD_REQUEST' });
    request.log.error({ err: error }, 'internal error');
    return send(500, 'internal error', { code: 'INTERNAL' });
  };
}
