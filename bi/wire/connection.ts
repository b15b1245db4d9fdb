import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { DATABASE } from '../catalog/settings.ts';
import type { SessionAccount, WireAccounting } from './accounting.ts';
import { type ChannelBinding, ScramExchange, type ScramVerifier, verifierOfStranger } from './auth/scram.ts';
import { Backend } from './protocol/backend.ts';
import { type Frame, FrameReader } from './protocol/frames.ts';
import {
  decodeMessage,
  decodeStartup,
  decodeText,
  type FrontendMessage,
  type StartupRequest,
} from './protocol/frontend.ts';
import { Output } from './protocol/output.ts';
import { reportOf, WireError } from './protocol/sqlstate.ts';
import type { Planner } from './session/planner.ts';
import { Session } from './session/session.ts';
import { Settings } from './session/settings.ts';

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

export interface TlsIdentity {
  readonly context: SecureContext;
  readonly binding: ChannelBinding | undefined;
}

export interface ConnectionOptions {
  readonly planner: Planner;
  readonly authenticator: WireAuthenticator;
  readonly tls: TlsIdentity | undefined;
  readonly limits: WireLimits;
  readonly accounting: WireAccounting;
  readonly processId: number;
  /** Whether there is room for one more session. */
  readonly mayLogIn: () => boolean;
  /** Stops what the session with this key does; tells nobody whether there was one. */
  readonly cancel: (processId: number, secret: Buffer) => void;
}

/** Bounds on what one client may take. */
export interface WireLimits {
  /** For the handshake. */
  readonly startupMs: number;
  /** Between messages; longer for sessions without a transaction. */
  readonly idleInTransactionMs: number;
  readonly idleMs: number;
  readonly statementMs: number;
  readonly messageBytes: number;
}

/** The newest minor version of protocol 3 that is spoken here. */
const MINOR = 2;
/** Longest message before a client has shown who it is. */
const AUTHENTICATION_BYTES = 65_536;
/** How long the last message may wait for a client that does not read. */
const CLOSING_MS = 2000;
/** Bytes that may wait unread behind a statement before the socket is left alone. */
const WAITING_BYTES = 1 << 20;

/** A client's socket: framing, startup, TLS, authentication, and then a session. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backend = new Backend(new Output(8192));
  #socket: Socket;
  #frames = new FrameReader(AUTHENTICATION_BYTES);
  #secret: Buffer = Buffer.alloc(0);
  #session: Session | undefined;
  #account: SessionAccount | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Wakes whoever waits for a frame. */
  #wake: (() => void) | undefined;
  #secured = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Whether this is the session that a cancel request means. */
  isCancelledBy(processId: number, secret: Buffer): boolean {
    return (
      this.#session !== undefined &&
      processId === this.#options.processId &&
      secret.length === this.#secret.length &&
      timingSafeEqual(secret, this.#secret)
    );
  }

  cancel(): void {
    this.#session?.cancel();
  }

  /** Serves the client until it leaves, is thrown out, or the server closes; never rejects. */
  async serve(): Promise<void> {
    try {
      this.#expectWithin(
        this.#options.limits.startupMs,
        'protocolViolation',
        'the client took too long to log in',
      );
      const startup = await this.#startup();
      if (startup !== undefined) {
        await this.#logIn(startup);
        await this.#converse();
      }
    } catch (error) {
      await this.#farewell(error);
    } finally {
      await this.#end();
    }
  }

  /** Tells the client that it has to go, and lets go of it. */
  async shutDown(reason?: string): Promise<void> {
    const message = 'terminating connection due to administrator command';
    await this.#farewell(new WireError('shutdown', reason === undefined ? message : `${message}: ${reason}`));
    await this.#end();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#leave();
    this.#socket.destroySoon();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS).unref();
    await this.#session?.close().catch(() => undefined);
    this.#account?.close();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      if (this.#frames.pending > WAITING_BYTES) socket.pause();
      this.#wake?.();
    });
    for (const event of ['end', 'close', 'error'] as const) socket.on(event, () => this.#leave());
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session?.cancel();
    this.#wake?.();
  }

  /** The next frame, or undefined when the client has gone. */
  async #frame(): Promise<Frame | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const frame = this.#frames.next();
      if (frame !== undefined) return frame;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async #startup(): Promise<Extract<StartupRequest, { kind: 'startup' }> | undefined> {
    for (;;) {
      const frame = await this.#frame();
      if (frame === undefined) return undefined;
      const request = decodeStartup(frame);
      if (request.kind === 'startup') {
        this.#frames.endStartup();
        return request;
      }
      if (request.kind === 'cancel') {
        this.#options.cancel(request.processId, request.secret);
        return undefined;
      }
      // What came unencrypted behind the request could be anybody's.
      if (this.#frames.pending > 0) {
        throw new WireError('protocolViolation', 'received unencrypted data after SSL request');
      }
      if (request.kind === 'ssl' && this.#options.tls !== undefined && !this.#secured)
        await this.#secure(this.#options.tls);
      else this.#socket.write('N');
    }
  }

  async #secure({ context }: TlsIdentity): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    plain.write('S');
    const secure = new TLSSocket(plain, { isServer: true, secureContext: context, minVersion: 'TLSv1.2' });
    this.#socket = secure;
    this.#frames = new FrameReader(AUTHENTICATION_BYTES);
    this.#secured = true;
    this.#listen(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secure', resolve);
      secure.once('error', reject);
      secure.once('close', () => resolve());
    });
  }

  async #logIn({ major, minor, parameters }: Extract<StartupRequest, { kind: 'startup' }>): Promise<void> {
    if (major !== 3) {
      throw new WireError(
        'featureNotSupported',
        `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.${MINOR}`,
      );
    }
    const extensions = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
    if (minor > MINOR || minor === 1 || extensions.length > 0) {
      this.#backend.negotiateProtocolVersion(Math.min(minor === 1 ? 0 : minor, MINOR), extensions);
    }
    const user = parameters.get('user') ?? '';
    if (user === '')
      throw new WireError('invalidAuthorization', 'no PostgreSQL user name specified in startup packet');
    if (parameters.has('replication') && !/^(false|off|no|0)$/i.test(parameters.get('replication') ?? '')) {
      throw new WireError('featureNotSupported', 'replication is not supported');
    }
    const tokenId = await this.#authenticate(user);
    const database = parameters.get('database') ?? DATABASE;
    // Clients that name none ask for one of the user's name.
    if (![DATABASE, 'postgres', user].includes(database)) {
      throw new WireError('invalidDatabase', `database "${database}" does not exist`, { expected: DATABASE });
    }
    if (!this.#options.mayLogIn())
      throw new WireError('tooManyConnections', 'sorry, too many clients already');
    const account = this.#options.accounting.session({
      user,
      tokenId,
      address: this.#socket.remoteAddress,
      processId: this.#options.processId,
      terminate: (reason) => void this.shutDown(reason),
    });
    this.#account = account;
    this.#backend.authenticationOk();
    const session = this.#newSession(user, parameters, account);
    for (const [name, value] of session.settings.reported()) this.#backend.parameterStatus(name, value);
    this.#secret = randomBytes(minor >= 2 ? 32 : 4);
    this.#backend.backendKeyData(this.#options.processId, this.#secret);
    session.ready();
    await this.#flush();
    this.#frames.limit = this.#options.limits.messageBytes;
  }

  #newSession(user: string, parameters: ReadonlyMap<string, string>, account: SessionAccount): Session {
    const settings = new Settings(
      new Map([
        ['session_authorization', user],
        ['ssl', this.#secured ? 'on' : 'off'],
      ]),
    );
    for (const [name, value] of [...parameters, ...commandLineSettings(parameters.get('options') ?? '')]) {
      if (['user', 'database', 'options', 'replication'].includes(name) || name.startsWith('_pq_.')) continue;
      const warning = settings.set(name, value);
      // Drivers send the time zone of their machine unasked; it would be no news to warn about it.
      if (warning !== undefined && name.toLowerCase() !== 'timezone') {
        this.#backend.noticeResponse({ sqlstate: '01000', message: warning }, 'WARNING');
      }
    }
    this.#session = new Session({
      planner: this.#options.planner,
      backend: this.#backend,
      facts: {
        user,
        processId: this.#options.processId,
        settings,
        startedAt: new Date(),
        client: { address: this.#socket.remoteAddress, port: this.#socket.remotePort },
      },
      flush: () => this.#flush(),
      statementTimeoutMs: this.#options.limits.statementMs,
      account,
      failed: (sqlstate) => this.#options.accounting.failed(sqlstate),
    });
    return this.#session;
  }

  /** @returns the id of the token that was shown, where one is needed */
  async #authenticate(user: string): Promise<string | undefined> {
    const { authenticator } = this.#options;
    if (await authenticator.isOpen()) return undefined;
    const known = await authenticator.verifierOf(user);
    const binding = this.#secured ? this.#options.tls?.binding : undefined;
    const exchange = new ScramExchange(known?.verifier ?? verifierOfStranger(user), binding);
    this.#backend.authenticationSasl(ScramExchange.mechanisms(binding));
    await this.#flush();
    const { mechanism, data } = initialResponse(await this.#password());
    this.#backend.authenticationSaslContinue(exchange.first(mechanism, data));
    await this.#flush();
    const final = exchange.final(decodeText(await this.#password()));
    if (final === undefined || known === undefined) {
      throw new WireError('invalidPassword', `password authentication failed for user "${user}"`);
    }
    this.#backend.authenticationSaslFinal(final);
    return known.principal?.tokenId;
  }

  async #password(): Promise<Buffer> {
    const frame = await this.#frame();
    if (frame === undefined)
      throw new WireError('protocolViolation', 'the client left during authentication');
    const message = decodeMessage(frame);
    if (message.kind !== 'password') throw new WireError('protocolViolation', 'expected SASL response');
    return message.data;
  }

  async #converse(): Promise<void> {
    const { limits } = this.#options;
    for (;;) {
      const session = this.#session;
      if (session === undefined) return;
      const asked = session.settings.milliseconds('idle_in_transaction_session_timeout');
      const patience = session.inTransaction
        ? Math.min(asked || Number.POSITIVE_INFINITY, limits.idleInTransactionMs)
        : limits.idleMs;
      this.#expectWithin(
        patience,
        'idleSessionTimeout',
        'terminating connection due to idle-session timeout',
      );
      const frame = await this.#frame();
      clearTimeout(this.#timer);
      if (frame === undefined) return;
      const message: FrontendMessage = decodeMessage(frame);
      if (message.kind === 'terminate') return;
      await session.handle(message);
      // Answers go out together while the client has sent more than has been read.
      if (this.#backend.out.length > WAITING_BYTES) await this.#flush();
    }
  }

  /** Hands what was written to the socket; waits while the client does not read. */
  async #flush(): Promise<void> {
    if (this.#backend.out.length === 0 || this.#closed) return;
    const { out } = this.#backend;
    const bytes = out.take();
    this.#account?.sent(bytes.length);
    const written = new Promise<void>((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
    // A client that does not read holds a statement, and with it a connection of the engine.
    if (this.#session !== undefined) {
      const { idleInTransactionMs } = this.#options.limits;
      this.#expectWithin(
        idleInTransactionMs,
        'idleSessionTimeout',
        'terminating connection: the client does not read',
      );
    }
    await written;
    out.giveBack(bytes);
    if (this.#session !== undefined) clearTimeout(this.#timer);
  }

  #expectWithin(ms: number, condition: 'protocolViolation' | 'idleSessionTimeout', message: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#farewell(new WireError(condition, message)).then(() => this.#end());
    }, ms);
    this.#timer.unref();
  }

  async #farewell(error: unknown): Promise<void> {
    if (this.#closed) return;
    const report = reportOf(error);
    this.#options.accounting.failed(report.sqlstate);
    this.#backend.errorResponse(report, 'FATAL');
    if (!this.#socket.destroyed) this.#socket.write(this.#backend.out.take());
  }
}

/** SASLInitialResponse: the mechanism, then a counted text. */
function initialResponse(data: Buffer): { mechanism: string; data: string } {
  const end = data.indexOf(0);
  const length = end < 0 || data.length < end + 5 ? -1 : data.readInt32BE(end + 1);
  if (length < 0 || length !== data.length - end - 5)
    throw new WireError('protocolViolation', 'malformed SASL response');
  return { mechanism: data.toString('latin1', 0, end), data: decodeText(data.subarray(end + 5)) };
}

/** `-c name=value` of the startup parameter `options`. */
function commandLineSettings(options: string): [string, string][] {
  const words = (options.match(/(?:\\.|[^\s\\])+/g) ?? []).map((word) => word.replace(/\\(.)/g, '$1'));
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const text = word === '-c' ? (words[++i] ?? '') : word.replace(/^(-c|--)/, '');
    const at = text.indexOf('=');
    if (at < 0)
      throw new WireError('syntaxError', `invalid command-line argument for server process: ${word}`);
    settings.push([text.slice(0, at).replaceAll('-', '_'), text.slice(at + 1)]);
  }
  return settings;
}
