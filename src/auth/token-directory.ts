import {
  ANONYMOUS,
  type Authenticator,
  type Principal,
  UnauthenticatedError,
} from '../../graphql/access/principal.ts';
import { messageOf, RunlakeError } from '../../lake/errors.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import type { ScramVerifier } from './scram.ts';
import { hasHash, tokenIdOf } from './token.ts';
import { parseRecord, stateOf, TOKENS_PREFIX, type TokenRecord, verifierOf } from './token-record.ts';

export interface DirectoryOptions {
  readonly store: ObjectStore;
  /** Whether everybody may do everything as long as the lake has no tokens: only where nobody else can reach the server. */
  readonly openWithoutTokens: boolean;
  readonly logger?: { warn(details: object, message: string): void };
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A revoked token is good for so long at most. */
export const REFRESH_MS = 2_000;
/** A token that is not known may be a new one, for which the store is asked at most so often. */
const LOOK_AGAIN_MS = 250;
/** When the store does not answer, what was known is good for so long. */
const STALE_MS = 60_000;

/** The store does not say which tokens there are. */
export class TokensUnavailableError extends RunlakeError {
  readonly code = 'TOKENS_UNAVAILABLE';
}

interface KnownObject {
  readonly version: string;
  /** Undefined for an object that is no record. */
  readonly record: TokenRecord | undefined;
}

/**
 * The tokens of a lake as a server knows them: read from the store, kept in memory, looked at again while requests come in.
 * Every server of a lake has the same tokens; a new one is known at once, a revoked one refused within seconds.
 */
export class TokenDirectory implements Authenticator {
  readonly #options: DirectoryOptions;
  readonly #now: () => number;
  #objects: ReadonlyMap<string, KnownObject> = new Map();
  #byId: ReadonlyMap<string, TokenRecord> = new Map();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async authenticate(token: string | undefined): Promise<Principal> {
    await this.#refresh(REFRESH_MS);
    // Records that cannot be read count as well: damage must not open the door.
    if (this.#objects.size === 0 && this.#options.openWithoutTokens) return ANONYMOUS;
    if (token === undefined) throw new UnauthenticatedError('this server wants a token');
    const record = await this.#recordOf(token);
    if (record === undefined || !hasHash(token, record.sha256)) {
      throw new UnauthenticatedError('the token is not known here');
    }
    this.#ensureActive(record);
    const { id, name, role } = record;
    return { name, role, tokenId: id };
  }

  /** By what the PostgreSQL door checks a user: the verifier of the newest active token of that name, and who it is. */
  async verifierOf(user: string): Promise<{ verifier: ScramVerifier; principal: Principal } | undefined> {
    await this.#refresh(REFRESH_MS);
    const find = (): TokenRecord | undefined =>
      [...this.#byId.values()]
        .filter((record) => record.name === user && stateOf(record, this.#now()) === 'active')
        .reduce<TokenRecord | undefined>(
          (newest, one) => (newest === undefined || one.createdAt > newest.createdAt ? one : newest),
          undefined,
        );
    let record = find();
    if (record === undefined) {
      await this.#refresh(LOOK_AGAIN_MS);
      record = find();
    }
    if (record === undefined) return undefined;
    const { id, name, role } = record;
    return { verifier: verifierOf(record), principal: { name, role, tokenId: id } };
  }

  /**
   * Whether whoever showed a token is still let in; `undefined` stands for those who needed none.
   * @throws UnauthenticatedError when not
   */
  async ensureAdmitted(tokenId: string | undefined): Promise<void> {
    if (tokenId === undefined) {
      await this.authenticate(undefined);
      return;
    }
    await this.#refresh(REFRESH_MS);
    const record = this.#byId.get(tokenId);
    if (record === undefined) throw new UnauthenticatedError('the token is not known here');
    this.#ensureActive(record);
  }

  #ensureActive(record: TokenRecord): void {
    const state = stateOf(record, this.#now());
    if (state !== 'active') throw new UnauthenticatedError(`the token ${record.name} is ${state}`);
  }

  /** How many tokens could be used now. */
  async countActive(): Promise<number> {
    await this.#refresh(REFRESH_MS);
    const now = this.#now();
    return [...this.#byId.values()].filter((record) => stateOf(record, now) === 'active').length;
  }

  async #recordOf(token: string): Promise<TokenRecord | undefined> {
    const id = tokenIdOf(token);
    if (id === undefined) return undefined;
    if (!this.#byId.has(id)) await this.#refresh(LOOK_AGAIN_MS);
    return this.#byId.get(id);
  }

  /** Looks at the store unless that was done within `maxAge`. @throws TokensUnavailableError */
  async #refresh(maxAge: number): Promise<void> {
    if (this.#now() - this.#lookedAt < maxAge) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    try {
      await this.#looking;
    } catch (error) {
      const age = this.#now() - this.#lookedAt;
      this.#options.logger?.warn({ err: error, age }, 'the tokens of the lake cannot be read');
      if (age < STALE_MS) return;
      throw new TokensUnavailableError('the store does not say which tokens there are', {
        remedy: 'try again later',
        cause: error,
      });
    }
  }

  async #look(): Promise<void> {
    const { store } = this.#options;
    const at = this.#now();
    const listed: { key: string; version: string }[] = [];
    for await (const { key, size, modified } of store.list({ prefix: TOKENS_PREFIX })) {
      listed.push({ key, version: `${size} ${modified.getTime()}` });
    }
    const objects = new Map(
      await Promise.all(
        listed.map(async ({ key, version }) => {
          const known = this.#objects.get(key);
          return [
            key,
            known?.version === version ? known : { version, record: await this.#read(key) },
          ] as const;
        }),
      ),
    );
    this.#objects = objects;
    this.#byId = new Map(
      [...objects.values()].flatMap(({ record }) =>
        record === undefined ? [] : [[record.id, record] as const],
      ),
    );
    this.#lookedAt = at;
  }

  /** Undefined for an object that is no record: one bad object locks nobody else out. */
  async #read(key: string): Promise<TokenRecord | undefined> {
    const { store, logger } = this.#options;
    const bytes = await store.get(key);
    try {
      return parseRecord(key, bytes);
    } catch (error) {
      logger?.warn({ key, reason: messageOf(error) }, 'an object among the tokens is none');
      return undefined;
    }
  }
}
