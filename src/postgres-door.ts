import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CATALOG } from '../bi/views/views.ts';
import { WireServer } from '../bi/wire/server.ts';
import { LongLived } from '../graphql/access/long-lived.ts';
import type { ConcurrencyGate } from '../graphql/limits/concurrency.ts';
import type { Metrics } from '../graphql/observability/metrics.ts';
import { messageOf } from '../lake/errors.ts';
import type { Lake } from '../lake/lake.ts';
import { LOOPBACK, limitsOf, mayBeAnonymous } from './access.ts';
import type { TokenDirectory } from './auth/token-directory.ts';
import { type Config, ConfigError } from './config.ts';
import { PostgresMetrics } from './metrics/postgres-metrics.ts';
import { postgresAccounts } from './postgres-accounts.ts';

interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface PostgresDoorOptions {
  readonly lake: Lake;
  readonly tokens: TokenDirectory;
  readonly logger: Log;
  /** The same as that of the GraphQL server. */
  readonly gate: ConcurrencyGate;
  readonly metrics?: Metrics | undefined;
  /** How often it is looked whether sessions are still let in, in milliseconds. Default 2,000. */
  readonly admissionMs?: number | undefined;
}

/** Half of all sessions: one client cannot keep the others out. */
const SESSIONS_OF_CLIENT = 50;

/** Opens the PostgreSQL door, where the configuration has a port for it. */
export async function openPostgresDoor(
  config: Config,
  { lake, tokens, logger, gate, metrics, admissionMs }: PostgresDoorOptions,
): Promise<WireServer | undefined> {
  const { host, pgPort } = config;
  if (pgPort === undefined) return undefined;
  const tls = await tlsFiles(config);
  const { time: statementMs, bytesRead } = limitsOf(config);
  const door = await WireServer.listen({
    lake,
    listed: CATALOG,
    temporaryDirectory: join(config.home, 'tmp', `catalog-${process.pid}`),
    authenticator: {
      isOpen: () => mayBeAnonymous(tokens),
      verifierOf: (user) => tokens.verifierOf(user),
    },
    tls,
    host,
    port: pgPort,
    limits: { statementMs },
    accounting: postgresAccounts({
      tokens,
      longLived: new LongLived(admissionMs),
      gate,
      sessionsOfClient: SESSIONS_OF_CLIENT,
      bytesRead,
      metrics: metrics && { server: metrics, postgres: new PostgresMetrics(metrics.registry) },
      logger,
    }),
  });
  logger.info({ host, port: door.port, tls: tls !== undefined }, 'the PostgreSQL door is open');
  if (tls === undefined && !LOOPBACK.test(host)) {
    logger.warn(
      { host },
      'answers of the PostgreSQL door are not encrypted: give it a certificate with --pg-tls-cert and --pg-tls-key',
    );
  }
  return door;
}

async function tlsFiles({
  pgTlsCert,
  pgTlsKey,
}: Config): Promise<{ certificate: Buffer; key: Buffer } | undefined> {
  if (pgTlsCert === undefined && pgTlsKey === undefined) return undefined;
  if (pgTlsCert === undefined || pgTlsKey === undefined) {
    throw new ConfigError('pgTlsCert and pgTlsKey are needed together', {
      expected: 'a certificate and its private key, both as PEM files',
    });
  }
  try {
    return { certificate: await readFile(pgTlsCert), key: await readFile(pgTlsKey) };
  } catch (cause) {
    throw new ConfigError(`the certificate of the PostgreSQL door cannot be read: ${messageOf(cause)}`, {
      expected: 'readable PEM files',
      cause,
    });
  }
}
