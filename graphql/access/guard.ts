import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type Authenticator,
  bearerToken,
  ForbiddenError,
  mayAct,
  type Principal,
  type Role,
  UnauthenticatedError,
} from './principal.ts';

/** Who may use a route: everybody, or who has this role. */
export type Access = 'open' | Role;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined on open routes, where nobody is asked who they are. */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** Who may use the route; operators only when it says nothing. */
    access?: Access | ((request: FastifyRequest) => Access);
  }
}

/** What a request shows of who sends it. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly host: string | undefined;
}

/**
 * Who shows these credentials.
 * @throws UnauthenticatedError also for anonymous requests to another name than this machine's: a page of any web site can
 * have its name mean 127.0.0.1 (DNS rebinding) and would then be let in as the user of this machine
 */
export async function identify(
  authenticator: Authenticator,
  { authorization, host }: Credentials,
): Promise<Principal> {
  const principal = await authenticator.authenticate(bearerToken(authorization));
  if (principal.tokenId === undefined && !isLoopback(host)) {
    throw new UnauthenticatedError(`without a token this server answers to localhost only, not to ${host}`);
  }
  return principal;
}

const LOOPBACK = /^(localhost|[\w-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

function isLoopback(host: string | undefined): boolean {
  return host === undefined || LOOPBACK.test(host);
}

/** What a request shows of who sent it, as an authenticator takes it. */
export function credentialsOf({ headers }: Pick<FastifyRequest, 'headers'>): Credentials {
  return { authorization: headers.authorization, host: headers.host };
}

/** Who sent a request to a route that is not open. @throws UnauthenticatedError */
export function principalOf({ principal }: Pick<FastifyRequest, 'principal'>): Principal {
  if (principal === undefined) throw new UnauthenticatedError('nobody has said who they are');
  return principal;
}

/** Lets nobody use a route who may not. Routes say who may in their `config.access`. */
export function addGuard(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    // What is nowhere is told to everybody who is known.
    const { access = request.is404 ? 'reader' : 'operator' } = request.routeOptions.config;
    const needed = typeof access === 'function' ? access(request) : access;
    if (needed === 'open') return;
    const principal = await identify(authenticator, credentialsOf(request));
    request.principal = principal;
    if (!mayAct(principal.role, needed)) {
      throw new ForbiddenError(`${request.method} ${request.routeOptions.url ?? 'this'}`, principal, needed);
    }
  });
}
