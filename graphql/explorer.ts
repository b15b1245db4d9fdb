import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Its own scripts and styles, and requests to the server it came from. Plots carry their styles with them. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPEN_ROUTE = { config: { access: 'open' as const } };

/** Addresses that the page itself makes sense of. */
const PAGES = [
  '/',
  '/runs',
  '/runs/*',
  '/examples',
  '/compare',
  '/aggregate',
  '/jobs',
  '/jobs/*',
  '/launch',
  '/launch/*',
  '/console',
] as const;

/**
 * The explorer at `/`: files that `npm run build` made. They are the same for everybody; what they show is asked of
 * the API by the browser, with the reader's own token.
 */
export async function addExplorer(app: FastifyInstance, directory: string): Promise<void> {
  await app.register(fastifyStatic, { root: directory, serve: false });
  for (const url of PAGES) {
    app.get(url, OPEN_ROUTE, (_request, reply) =>
      reply.header('content-security-policy', CSP).header('cache-control', 'no-cache').sendFile('index.html'),
    );
  }
  app.get('/icon.svg', OPEN_ROUTE, (_request, reply) => reply.sendFile('icon.svg'));
  // Their names change with their content.
  app.get<{ Params: { file: string } }>('/assets/:file', OPEN_ROUTE, (request, reply) =>
    reply.sendFile(request.params.file, join(directory, 'assets'), { maxAge: '1y', immutable: true }),
  );
}
