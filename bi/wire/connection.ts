import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { DATABASE } from '../catalog/settings.ts';
import type { SessionAccount, WireAccounting } from './accounting.ts';
import { authenticate, type WireAuthenticator } from './auth/authentication.ts';
import type { ChannelBinding } from './auth/scram.ts';
import { Backend } from './protocol/backend.ts';
import { Channel, WAITING_BYTES } from './protocol/channel.ts';
import {
  decodeMessage,
  decodeStartup,
  type FrontendMessage,
  type StartupRequest,
} from './protocol/frontend.ts';
import { Output } from './protocol/output.ts';
import { reportOf, WireError } from './protocol/sqlstate.ts';
import { commandLineSettings } from './protocol/startup-options.ts';
import type { Planner } from './session/planner.ts';
import { Session } from './session/session.ts';
import { Settings } from './session/settings.ts';

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
/** A client: startup, TLS, authentication, and then a session. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backend = new Backend(new Output(8192));
  readonly #channel: Channel;
  #secret: Buffer = Buffer.alloc(0);
  #session: Session | undefined;
  #account: SessionAccount | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.#channel = new Channel(socket, () => this.#session?.cancel());
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
    this.#channel.end();
    await this.#session?.close().catch(() => undefined);
    this.#account?.close();
  }

  async #startup(): Promise<Extract<StartupRequest, { kind: 'startup' }> | undefined> {
    for (;;) {
      const frame = await this.#channel.frame();
      if (frame === undefined) return undefined;
      const request = decodeStartup(frame);
      if (request.kind === 'startup') {
        this.#channel.endStartup();
        return request;
      }
      if (request.kind === 'cancel') {
        this.#options.cancel(request.processId, request.secret);
        return undefined;
      }
      // What came unencrypted behind the request could be anybody's.
      if (this.#channel.pending > 0) {
        throw new WireError('protocolViolation', 'received unencrypted data after SSL request');
      }
      if (request.kind === 'ssl' && this.#options.tls !== undefined && !this.#channel.isSecured)
        await this.#channel.secure(this.#options.tls.context);
      else await this.#channel.write('N');
    }
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
    const { authenticator, tls } = this.#options;
    const tokenId = await authenticate(user, authenticator, {
      backend: this.#backend,
      binding: this.#channel.isSecured ? tls?.binding : undefined,
      flush: () => this.#flush(),
      frame: () => this.#channel.frame(),
    });
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
      address: this.#channel.address,
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
    this.#channel.limit = this.#options.limits.messageBytes;
  }

  #newSession(user: string, parameters: ReadonlyMap<string, string>, account: SessionAccount): Session {
    const settings = new Settings(
      new Map([
        ['session_authorization', user],
        ['ssl', this.#channel.isSecured ? 'on' : 'off'],
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
        client: { address: this.#channel.address, port: this.#channel.port },
      },
      flush: () => this.#flush(),
      statementTimeoutMs: this.#options.limits.statementMs,
      account,
      failed: (sqlstate) => this.#options.accounting.failed(sqlstate),
    });
    return this.#session;
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
      const frame = await this.#channel.frame();
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
    if (this.#backend.out.length === 0 || this.#channel.isClosed) return;
    const { out } = this.#backend;
    const bytes = out.take();
    this.#account?.sent(bytes.length);
    const written = this.#channel.write(bytes);
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
    if (this.#channel.isClosed) return;
    const report = reportOf(error);
    this.#options.accounting.failed(report.sqlstate);
    this.#backend.errorResponse(report, 'FATAL');
    void this.#channel.write(this.#backend.out.take());
  }
}
