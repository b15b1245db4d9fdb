import type { Role } from '../../graphql/access/principal.ts';
import { InvalidArgumentError, messageOf } from '../../lake/errors.ts';
import type { CallOptions, ObjectStore } from '../../lake/store/object-store.ts';
import { scramVerifier } from './scram.ts';
import { newToken, tokenHash } from './token.ts';
import {
  parseRecord,
  recordBytes,
  recordKey,
  stateOf,
  storedVerifier,
  TOKENS_PREFIX,
  type TokenRecord,
  tokenName,
} from './token-record.ts';

export interface TokenRequest {
  /** Whose it is, in logs and at the PostgreSQL door. */
  readonly name: string;
  readonly role: Role;
  readonly expiresAt: Date | undefined;
}

/** The records as they are in the store, those that cannot be read told apart. */
export interface ReadRecords {
  readonly records: readonly TokenRecord[];
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** Makes, lists and revokes the tokens of a lake. Records stay: what was revoked once is known for ever. */
export class TokenRegistry {
  readonly #store: ObjectStore;
  readonly #now: () => Date;

  constructor(store: ObjectStore, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Makes a token. Its text is known to nobody afterwards but to who gets it here.
   * @throws InvalidArgumentError for a name that an active token has, or a time that has passed
   */
  async create(
    { name, role, expiresAt }: TokenRequest,
    options: CallOptions = {},
  ): Promise<{ text: string; record: TokenRecord }> {
    const checked = tokenName.safeParse(name);
    if (!checked.success) {
      throw new InvalidArgumentError(`${JSON.stringify(name)} cannot name a token`, {
        expected: checked.error.issues[0]?.message ?? 'a name',
      });
    }
    const now = this.#now();
    if (expiresAt !== undefined && expiresAt <= now) {
      throw new InvalidArgumentError(`the token would have expired at ${expiresAt.toISOString()}`, {
        expected: 'a time to come',
      });
    }
    const { records } = await this.list(options);
    if (records.some((record) => record.name === name && stateOf(record, now.getTime()) === 'active')) {
      throw new InvalidArgumentError(`there is an active token ${name}`, {
        expected: 'a name of its own for every token in use',
        remedy: `choose another name, or revoke that one first: runlake token revoke ${name}`,
      });
    }
    const { id, text } = newToken();
    const record: TokenRecord = {
      format: 1,
      id,
      name,
      role,
      sha256: tokenHash(text),
      scram: storedVerifier(await scramVerifier(text)),
      createdAt: now.toISOString(),
      expiresAt: expiresAt?.toISOString() ?? null,
      revokedAt: null,
    };
    if (!(await this.#store.putIfAbsent(recordKey(id), recordBytes(record), options))) {
      throw new InvalidArgumentError(`there is a token with the id ${id}`, { remedy: 'try again' });
    }
    return { text, record };
  }

  /** Every token that ever was, oldest first. */
  async list(options: CallOptions = {}): Promise<ReadRecords> {
    const records: TokenRecord[] = [];
    const problems: { key: string; message: string }[] = [];
    for await (const { key } of this.#store.list({ ...options, prefix: TOKENS_PREFIX })) {
      try {
        records.push(parseRecord(key, await this.#store.get(key, options)));
      } catch (error) {
        problems.push({ key, message: messageOf(error) });
      }
    }
    records.sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
    return { records, problems };
  }

  /**
   * Revokes the token with an id, or the active one with a name. One that is revoked stays as it is.
   * @throws InvalidArgumentError when there is none
   */
  async revoke(idOrName: string, options: CallOptions = {}): Promise<TokenRecord> {
    const now = this.#now();
    const { records } = await this.list(options);
    const found =
      records.find(({ id }) => id === idOrName) ??
      records.findLast((record) => record.name === idOrName && record.revokedAt === null);
    if (found === undefined) {
      throw new InvalidArgumentError(`there is no token ${idOrName} to revoke`, {
        remedy: '`runlake token list` shows ids and names',
      });
    }
    if (found.revokedAt !== null) return found;
    const revoked = { ...found, revokedAt: now.toISOString() };
    await this.#store.put(recordKey(found.id), recordBytes(revoked), options);
    return revoked;
  }
}
