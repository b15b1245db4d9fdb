import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Ends requests whose body has not come completely `ms` after their headers: Node itself bounds the headers only. */
export function addArrivalLimit(app: FastifyInstance, ms: number): void {
  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  app.addHook('onRequest', async (request, reply) => {
    const timer = setTimeout(() => {
      if (!request.raw.complete) request.raw.destroy();
    }, ms);
    timers.set(request, timer);
    reply.raw.once('close', () => clearTimeout(timer));
  });
  app.addHook('preHandler', async (request) => clearTimeout(timers.get(request)));
}
