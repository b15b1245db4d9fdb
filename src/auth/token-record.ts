import { z } from 'zod';
import { ROLES } from '../../graphql/access/principal.ts';
import { RunlakeError } from '../../lake/errors.ts';
import type { ScramVerifier } from './scram.ts';

/** Prefix of the records in the store of a lake. `auth/` is read by nothing that users name. */
export const TOKENS_PREFIX = 'auth/tokens/';

export function recordKey(id: string): string {
  return `${TOKENS_PREFIX}${id}.json`;
}

const base64 = z.base64();
const time = z.iso.datetime();

/** Also the user name at the PostgreSQL door, which has at most 63 bytes. */
export const tokenName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, {
  error:
    'expected letters, digits, dots, dashes, underscores or @, at most 63, beginning with a letter or digit',
});

/** What is kept of a token. Nothing in it gives the token away. */
export const tokenRecord = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: tokenName,
  role: z.enum(ROLES),
  /** Of the whole token, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scram: z.strictObject({
    salt: base64,
    iterations: z.int().min(4096),
    storedKey: base64,
    serverKey: base64,
  }),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});
export type TokenRecord = z.infer<typeof tokenRecord>;

/** A record in the store is none. */
export class TokenRecordError extends RunlakeError {
  readonly code = 'TOKEN_RECORD_INVALID';
}

/** @throws TokenRecordError */
export function parseRecord(key: string, bytes: Uint8Array): TokenRecord {
  let cause: unknown;
  try {
    const parsed = tokenRecord.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (parsed.success && recordKey(parsed.data.id) === key) return parsed.data;
    cause = parsed.error;
  } catch (error) {
    cause = error;
  }
  throw new TokenRecordError(`${key} is no record of a token`, {
    where: { file: key },
    remedy: 'delete the object and create the token anew',
    cause,
  });
}

export function recordBytes(record: TokenRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

export type TokenState = 'active' | 'expired' | 'revoked';

export function stateOf({ expiresAt, revokedAt }: TokenRecord, now: number): TokenState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && Date.parse(expiresAt) <= now ? 'expired' : 'active';
}

export function storedVerifier({
  salt,
  iterations,
  storedKey,
  serverKey,
}: ScramVerifier): TokenRecord['scram'] {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return { salt: text(salt), iterations, storedKey: text(storedKey), serverKey: text(serverKey) };
}

export function verifierOf({ scram }: TokenRecord): ScramVerifier {
  const { iterations, ...texts } = scram;
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64');
  return {
    salt: bytes(texts.salt),
    iterations,
    storedKey: bytes(texts.storedKey),
    serverKey: bytes(texts.serverKey),
  };
}
