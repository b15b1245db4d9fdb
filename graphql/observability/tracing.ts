import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { activeTrace } from '../../lake/telemetry.ts';

/**
 * Puts every request into a span below the one that its `traceparent` names, by the conventions for HTTP servers, and the
 * ids of it into the lines that are logged for the request. Before all other hooks.
 */
export function addTracing(app: FastifyInstance): void {
  const contexts = new WeakMap<FastifyRequest, Context>();
  app.addHook('onRequest', (request, reply, done) => {
    const { method, routeOptions, raw } = request;
    const caller = propagation.extract(context.active(), raw.headers);
    const route = routeOptions.url;
    const attributes = {
      'http.request.method': method,
      'url.path': request.url.split('?', 1)[0] ?? '',
      'url.scheme': request.protocol,
      ...(route !== undefined && { 'http.route': route }),
      'runlake.request_id': request.id,
    };
    const name = route === undefined ? method : `${method} ${route}`;
    const span = trace.getTracer('runlake').startSpan(name, { kind: SpanKind.SERVER, attributes }, caller);
    const inside = trace.setSpan(caller, span);
    contexts.set(request, inside);
    reply.raw.once('close', () => {
      const { statusCode } = reply;
      span.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(inside, () => {
      const ids = activeTrace();
      if (ids !== undefined) request.log = reply.log = request.log.child(ids);
      done();
    });
  });
  // What reads the body runs where the connection was made.
  app.addHook('preValidation', (request, _reply, done) => {
    context.with(contexts.get(request) ?? context.active(), done);
  });
}
