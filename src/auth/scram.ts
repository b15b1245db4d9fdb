import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * What a server stores to check a password by SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677) without being able to use it.
 */
export interface ScramVerifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** H(HMAC(SaltedPassword, "Client Key")) */
  readonly storedKey: Uint8Array;
  /** HMAC(SaltedPassword, "Server Key") */
  readonly serverKey: Uint8Array;
}

const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** The least that RFC 7677 allows; more would protect weak passwords, which tokens are not. */
const ITERATIONS = 4096;

/**
 * The verifier of a password of ASCII characters, which string preparation (SASLprep) leaves as they are.
 * @param random salt and iterations; chosen here by default
 */
export async function scramVerifier(
  password: string,
  random: Pick<ScramVerifier, 'salt' | 'iterations'> = {
    salt: randomBytes(SALT_BYTES),
    iterations: ITERATIONS,
  },
): Promise<ScramVerifier> {
  const { salt, iterations } = random;
  const salted = await promisify(pbkdf2)(password, salt, iterations, KEY_BYTES, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return {
    salt,
    iterations,
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: createHmac('sha256', salted).update('Server Key').digest(),
  };
}
