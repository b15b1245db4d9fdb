import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A token is `rl_<id>_<secret>`: the id finds its record, the secret proves that it was given to who shows it. Hexadecimal
 * digits alone, so that it survives headers, shells, connection strings and the string preparation of SCRAM unchanged.
 */
const TOKEN = /^rl_([0-9a-f]{12})_[0-9a-f]{48}$/;

const ID_BYTES = 6;
/** 192 bits: nobody guesses one, so a fast hash of it is safe to store. */
const SECRET_BYTES = 24;

export interface NewToken {
  readonly id: string;
  /** All of it, to be shown once. */
  readonly text: string;
}

export function newToken(): NewToken {
  const id = randomBytes(ID_BYTES).toString('hex');
  return { id, text: `rl_${id}_${randomBytes(SECRET_BYTES).toString('hex')}` };
}

/** The id in what claims to be a token; undefined when it has not the form of one. */
export function tokenIdOf(text: string): string | undefined {
  return TOKEN.exec(text)?.[1];
}

/** SHA-256 of a token, hexadecimal. */
export function tokenHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Whether a token has this hash; takes as long for every wrong token. */
export function hasHash(text: string, hash: string): boolean {
  const [own, expected] = [tokenHash(text), hash].map((digest) => Buffer.from(digest, 'hex'));
  return own !== undefined && expected?.length === own.length && timingSafeEqual(own, expected);
}
