import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CATALOG } from '../bi/views/views.ts';
import { WireServer } from '../bi/wire/server.ts';
import { UnauthenticatedError } from '../graphql/access/principal.ts';
import { messageOf } from '../lake/errors.ts';
import type { Lake } from '../lake/lake.ts';
import { LOOPBACK, limitsOf } from './access.ts';
import type { TokenDirectory } from './auth/token-directory.ts';
import { type Config, ConfigError } from './config.ts';

interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Opens the PostgreSQL door, where the configuration has a port for it. */
export async function openPostgresDoor(
  config: Config,
  { lake, tokens, logger }: { readonly lake: Lake; readonly tokens: TokenDirectory; readonly logger: Log },
): Promise<WireServer | undefined> {
  const { host, pgPort } = config;
  if (pgPort === undefined) return undefined;
  const tls = await tlsFiles(config);
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
    limits: { statementMs: limitsOf(config).time },
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

async function mayBeAnonymous(tokens: TokenDirectory): Promise<boolean> {
  try {
    await tokens.authenticate(undefined);
    return true;
  } catch (error) {
    if (error instanceof UnauthenticatedError) return false;
    throw error;
  }
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
