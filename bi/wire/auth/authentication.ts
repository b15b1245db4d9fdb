import type { Backend } from '../protocol/backend.ts';
import type { Frame } from '../protocol/frames.ts';
import { decodeMessage, decodeText } from '../protocol/frontend.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { type ChannelBinding, ScramExchange, type ScramVerifier, verifierOfStranger } from './scram.ts';

/** Looks up who may come in. */
export interface WireAuthenticator {
  /** Whether everybody may come in, as on a server without tokens that only this machine can reach. */
  isOpen(): Promise<boolean>;
  /** What checks the password of a user, or undefined when there is none of that name. */
  verifierOf(
    user: string,
  ): Promise<
    | { readonly verifier: ScramVerifier; readonly principal?: { readonly tokenId: string | undefined } }
    | undefined
  >;
}

/** The conversation in which a client shows who it is. */
export interface Dialogue {
  readonly backend: Backend;
  /** What the connection is bound to, when it is secured. */
  readonly binding: ChannelBinding | undefined;
  readonly flush: () => Promise<void>;
  /** The next message, or undefined when the client has gone. */
  readonly frame: () => Promise<Frame | undefined>;
}

/**
 * Lets a user in who knows the password, by SASL.
 * @returns the id of the token that was shown, where one is needed
 * @throws WireError for everybody else
 */
export async function authenticate(
  user: string,
  authenticator: WireAuthenticator,
  { backend, binding, flush, frame }: Dialogue,
): Promise<string | undefined> {
  if (await authenticator.isOpen()) return undefined;
  const known = await authenticator.verifierOf(user);
  const exchange = new ScramExchange(known?.verifier ?? verifierOfStranger(user), binding);
  backend.authenticationSasl(ScramExchange.mechanisms(binding));
  await flush();
  const { mechanism, data } = initialResponse(passwordOf(await frame()));
  backend.authenticationSaslContinue(exchange.first(mechanism, data));
  await flush();
  const final = exchange.final(decodeText(passwordOf(await frame())));
  if (final === undefined || known === undefined) {
    throw new WireError('invalidPassword', `password authentication failed for user "${user}"`);
  }
  backend.authenticationSaslFinal(final);
  return known.principal?.tokenId;
}

function passwordOf(frame: Frame | undefined): Buffer {
  if (frame === undefined) throw new WireError('protocolViolation', 'the client left during authentication');
  const message = decodeMessage(frame);
  if (message.kind !== 'password') throw new WireError('protocolViolation', 'expected SASL response');
  return message.data;
}

/** SASLInitialResponse: the mechanism, then a counted text. */
function initialResponse(data: Buffer): { mechanism: string; data: string } {
  const end = data.indexOf(0);
  const length = end < 0 || data.length < end + 5 ? -1 : data.readInt32BE(end + 1);
  if (length < 0 || length !== data.length - end - 5)
    throw new WireError('protocolViolation', 'malformed SASL response');
  return { mechanism: data.toString('latin1', 0, end), data: decodeText(data.subarray(end + 5)) };
}
