import { type Authenticator, type Principal, ROLES, UnauthenticatedError } from '../access/principal.ts';

/** Tokens in memory: `reader`, `ingester` and `operator` have the role that they are called by. */
export class FakeTokens implements Authenticator {
  readonly revoked = new Set<string>();

  async authenticate(token: string | undefined): Promise<Principal> {
    const role = ROLES.find((one) => one === token);
    if (role === undefined || this.revoked.has(role)) throw new UnauthenticatedError('not known');
    return { name: `a-${role}`, role, tokenId: role };
  }
}
