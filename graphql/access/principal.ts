import { RunlakeError } from '../../lake/errors.ts';

/** What callers may do, each including what the ones before may. */
export const ROLES = ['reader', 'ingester', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
  /** Id of the token that was shown; undefined where none is needed. */
  readonly tokenId: string | undefined;
}

/** Everybody, on a server that has no tokens and that only this machine can reach. */
export const ANONYMOUS: Principal = Object.freeze({
  name: 'anonymous',
  role: 'operator',
  tokenId: undefined,
});

/** Whether a role may do what `needed` may: each role may do all that those before it may. */
export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Tells who asks. */
export interface Authenticator {
  /**
   * @param token what was shown as proof, undefined when nothing was
   * @throws UnauthenticatedError
   */
  authenticate(token: string | undefined): Promise<Principal>;
}

/** A server without tokens: everybody may do everything. */
export const OPEN: Authenticator = Object.freeze({ authenticate: async () => ANONYMOUS });

/** Nobody is known by what was shown. */
export class UnauthenticatedError extends RunlakeError {
  readonly code = 'UNAUTHENTICATED';
  constructor(message: string) {
    super(message, {
      expected: 'the header `Authorization: Bearer rl_…` with a valid token',
      remedy: 'create a token with `runlake token create`',
    });
  }
}

/** Who asks is known, and may not do this. */
export class ForbiddenError extends RunlakeError {
  readonly code = 'FORBIDDEN';
  readonly needed: Role;
  constructor(what: string, { name, role }: Principal, needed: Role) {
    super(`${what} needs the role ${needed}; the token ${name} has the role ${role}`, {
      expected: `a token with the role ${needed}`,
      remedy: `create one with \`runlake token create <name> --role ${needed}\``,
    });
    this.needed = needed;
  }
}

/** The token of an `Authorization` header; undefined without one. @throws UnauthenticatedError for another scheme */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const token = /^Bearer +([^\s]+) *$/i.exec(header)?.[1];
  if (token === undefined) throw new UnauthenticatedError('the Authorization header holds no bearer token');
  return token;
}
