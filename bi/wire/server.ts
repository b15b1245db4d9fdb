import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { StreamingReader } from '../../lake/engine/types.ts';
import { Catalog } from '../catalog/catalog.ts';
import type { Listed } from '../views/view.ts';
import { UNACCOUNTED, type WireAccounting } from './accounting.ts';
import type { WireAuthenticator } from './auth/authentication.ts';
import { channelBinding } from './auth/certificate.ts';
import { Connection, type TlsIdentity, type WireLimits } from './connection.ts';
import { Backend } from './protocol/backend.ts';
import { Output } from './protocol/output.ts';
import { reportOf, WireError } from './protocol/sqlstate.ts';
import { Planner } from './session/planner.ts';

export type { WireAuthenticator } from './auth/authentication.ts';

export interface WireServerOptions {
  readonly lake: StreamingReader;
  /** The tables and views of the lake. */
  readonly listed: readonly (Listed & { readonly sql?: string })[];
  /** Where the catalog's engine may spill to. */
  readonly temporaryDirectory: string;
  readonly authenticator: WireAuthenticator;
  /** Certificate (or chain) and private key as PEM; undefined for a server without TLS. */
  readonly tls: { readonly certificate: string | Buffer; readonly key: string | Buffer } | undefined;
  readonly host: string;
  readonly port: number;
  readonly limits?: Partial<WireLimits & { readonly connections: number }>;
  /** What sessions do is put to it. None by default. */
  readonly accounting?: WireAccounting;
}

const LIMITS: WireLimits & { readonly connections: number } = {
  connections: 100,
  startupMs: 60_000,
  idleInTransactionMs: 10 * 60_000,
  idleMs: 24 * 3_600_000,
  statementMs: 10 * 60_000,
  messageBytes: 16 << 20,
};

/** How long a client that does not read may keep the server from closing. */
const CLOSING_MS = 2000;

/** A read-only PostgreSQL server for the tables and views of a lake. */
export class WireServer {
  readonly #server: Server;
  readonly #catalog: Catalog;
  readonly #connections = new Map<Connection, { readonly socket: Socket; readonly served: Promise<void> }>();
  readonly port: number;

  private constructor(server: Server, catalog: Catalog, port: number) {
    this.#server = server;
    this.#catalog = catalog;
    this.port = port;
  }

  /** Listens; the port is the one given, or a free one for 0. */
  static async listen(options: WireServerOptions): Promise<WireServer> {
    const tls = options.tls === undefined ? undefined : tlsIdentity(options.tls);
    const catalog = await Catalog.open(options.listed, options.temporaryDirectory);
    const server = createServer({ noDelay: true, keepAlive: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, resolve);
      });
    } catch (error) {
      catalog.close();
      throw error;
    }
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.port;
    const wire = new WireServer(server, catalog, port);
    const planner = new Planner(catalog, options.lake);
    const limits = { ...LIMITS, ...options.limits };
    const { accounting = UNACCOUNTED, authenticator } = options;
    server.on('connection', (socket) =>
      wire.#accept(socket, { planner, tls, limits, authenticator, accounting }),
    );
    return wire;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const open = [...this.#connections];
    const killer = setTimeout(() => {
      for (const [, { socket }] of open) socket.destroy();
    }, CLOSING_MS);
    await Promise.all(open.map(([connection]) => connection.shutDown()));
    await Promise.all(open.map(([, { served }]) => served));
    await closed;
    clearTimeout(killer);
    this.#catalog.close();
  }

  #accept(
    socket: Socket,
    options: {
      readonly planner: Planner;
      readonly tls: TlsIdentity | undefined;
      readonly limits: WireLimits & { readonly connections: number };
      readonly authenticator: WireAuthenticator;
      readonly accounting: WireAccounting;
    },
  ): void {
    // A client that goes away in the middle of something is nobody's fault.
    socket.on('error', () => undefined);
    // A few more, for requests to cancel what those do.
    if (this.#connections.size >= options.limits.connections + 10) {
      refuse(socket);
      return;
    }
    const connection = new Connection(socket, {
      ...options,
      processId: randomInt(1, 0x7fff_ffff),
      mayLogIn: () => this.#connections.size <= options.limits.connections,
      cancel: (processId, secret) => {
        for (const [other] of this.#connections) if (other.isCancelledBy(processId, secret)) other.cancel();
      },
    });
    const served = connection.serve().finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, { socket, served });
  }
}

function tlsIdentity({
  certificate,
  key,
}: {
  certificate: string | Buffer;
  key: string | Buffer;
}): TlsIdentity {
  return {
    context: createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }),
    binding: channelBinding(certificate),
  };
}

function refuse(socket: Socket): void {
  const backend = new Backend(new Output(256));
  backend.errorResponse(
    reportOf(new WireError('tooManyConnections', 'sorry, too many clients already')),
    'FATAL',
  );
  socket.end(backend.out.take());
}
