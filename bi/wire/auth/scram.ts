import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { WireError } from '../protocol/sqlstate.ts';

/** What a server keeps of a password: enough to check it, not enough to log in with. All values are bytes. */
export interface ScramVerifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** SHA-256 of the client key. */
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();

/** As in the verifiers of those who exist. */
const ITERATIONS = 4096;

const secretOfStranger = randomBytes(32);

/** For names that do not exist: the same salt each time, so that an answer tells nothing about who exists. */
export function verifierOfStranger(name: string): ScramVerifier {
  return {
    salt: hmac(secretOfStranger, name).subarray(0, 16),
    iterations: ITERATIONS,
    storedKey: randomBytes(32),
    serverKey: randomBytes(32),
  };
}

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';

/** `tls-server-end-point` of RFC 5929: a hash of the certificate that the server showed. */
export interface ChannelBinding {
  readonly endPoint: Uint8Array;
}

/** One SCRAM-SHA-256 exchange, the server's side (RFC 5802, RFC 7677). */
export class ScramExchange {
  readonly #verifier: ScramVerifier;
  readonly #binding: ChannelBinding | undefined;
  readonly #nonce: string;
  #header = '';
  #mechanism = SCRAM;
  #firstBare = '';
  #serverFirst = '';

  /** @param nonce only tests give one */
  constructor(
    verifier: ScramVerifier,
    binding: ChannelBinding | undefined,
    nonce = randomBytes(18).toString('base64'),
  ) {
    this.#verifier = verifier;
    this.#binding = binding;
    this.#nonce = nonce;
  }

  /** What the server offers, best first. */
  static mechanisms(binding: ChannelBinding | undefined): readonly string[] {
    return binding === undefined ? [SCRAM] : [SCRAM_PLUS, SCRAM];
  }

  /**
   * Takes client-first-message and answers server-first-message.
   * @throws WireError
   */
  first(mechanism: string, message: string): string {
    if (!ScramExchange.mechanisms(this.#binding).includes(mechanism)) {
      throw new WireError('protocolViolation', 'client selected an invalid SASL authentication mechanism');
    }
    const match =
      /^((?:n|y|p=([A-Za-z0-9.-]+)),(?:a=[^,]*)?,)((?:n=[^,]*),r=([\x21-\x2b\x2d-\x7e]+))(?:,.*)?$/.exec(
        message,
      );
    const [, header = '', binding, , clientNonce = ''] = match ?? [];
    if (match === null || clientNonce.length > 1024) throw malformed();
    this.#checkBinding(mechanism, header, binding);
    this.#mechanism = mechanism;
    this.#header = header;
    this.#firstBare = message.slice(header.length);
    const { salt, iterations } = this.#verifier;
    this.#serverFirst = `r=${clientNonce}${this.#nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
    return this.#serverFirst;
  }

  /**
   * Takes client-final-message and answers server-final-message, or undefined when the password is wrong.
   * @throws WireError when the message is malformed or bound to another channel
   */
  final(message: string): string | undefined {
    const match = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)),p=([A-Za-z0-9+/=]+)$/.exec(message);
    if (match === null) throw malformed();
    const [, withoutProof = '', channel, nonce = '', proofText = ''] = match;
    if (channel !== this.#expectedChannel()) {
      throw new WireError('invalidAuthorization', 'SCRAM channel binding check failed');
    }
    const agreed = /^r=([^,]*)/.exec(this.#serverFirst)?.[1];
    if (nonce !== agreed) throw malformed();
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== 32) throw malformed();
    const authMessage = `${this.#firstBare},${this.#serverFirst},${withoutProof}`;
    const signature = hmac(this.#verifier.storedKey, authMessage);
    const clientKey = proof.map((byte, i) => byte ^ (signature[i] ?? 0));
    if (!timingSafeEqual(sha256(clientKey), this.#verifier.storedKey)) return undefined;
    return `v=${hmac(this.#verifier.serverKey, authMessage).toString('base64')}`;
  }

  #checkBinding(mechanism: string, header: string, binding: string | undefined): void {
    if (mechanism === SCRAM_PLUS ? binding !== 'tls-server-end-point' : binding !== undefined) {
      throw new WireError('protocolViolation', 'unsupported SCRAM channel-binding type');
    }
    // "y" says: the client could bind, and believes that the server cannot. Here it can: somebody in between lied.
    if (header.startsWith('y') && this.#binding !== undefined) {
      throw new WireError('invalidAuthorization', 'SCRAM channel binding negotiation error');
    }
  }

  #expectedChannel(): string {
    const endPoint = this.#mechanism === SCRAM_PLUS ? this.#binding?.endPoint : undefined;
    return Buffer.concat([Buffer.from(this.#header), endPoint ?? Buffer.alloc(0)]).toString('base64');
  }
}

function malformed(): WireError {
  return new WireError('protocolViolation', 'malformed SCRAM message');
}
