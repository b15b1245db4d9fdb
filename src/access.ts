import type { Logger } from 'pino';
import { AddressPolicy } from '../graphql/access/addresses.ts';
import { UnauthenticatedError } from '../graphql/access/principal.ts';
import { DEFAULT_LIMITS, type Limits } from '../graphql/limits/limits.ts';
import { TokenDirectory } from './auth/token-directory.ts';
import { type Config, ConfigError } from './config.ts';
import { openConfiguredStore } from './session.ts';

/** Addresses that only this machine can reach. */
export const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;

/**
 * The tokens that a server asks for.
 * @throws ConfigError when it would listen where others reach it, and there are none
 */
export async function openTokens(config: Config, logger: Logger): Promise<TokenDirectory> {
  const isLoopback = LOOPBACK.test(config.host);
  const store = await openConfiguredStore(config);
  const tokens = new TokenDirectory({ store, openWithoutTokens: isLoopback, logger });
  if (!isLoopback && (await tokens.countActive()) === 0) {
    throw new ConfigError(
      `the server would listen on ${config.host}, and nobody could use it: there are no tokens`,
      {
        expected: 'a token, or a loopback address',
        remedy:
          '`runlake token create <name> --role operator` makes the first one; without tokens keep RUNLAKE_HOST at 127.0.0.1',
      },
    );
  }
  return tokens;
}

/** Whether those are let in who show no token. */
export async function mayBeAnonymous(tokens: TokenDirectory): Promise<boolean> {
  try {
    await tokens.authenticate(undefined);
    return true;
  } catch (error) {
    if (error instanceof UnauthenticatedError) return false;
    throw error;
  }
}

/** What callers with a token may name beside the rows of the lake. */
export function addressPolicyOf({ store, ingestRoots, publishRoots, endpoints }: Config): AddressPolicy {
  return new AddressPolicy({ store, readRoots: ingestRoots, writeRoots: publishRoots, endpoints });
}

/** The limits of requests, with those that are settings. */
export function limitsOf({ querySeconds, queryRows, queryBytes, concurrentQueries }: Config): Limits {
  return {
    ...DEFAULT_LIMITS,
    time: Math.round(querySeconds * 1000),
    rows: queryRows,
    bytesRead: queryBytes,
    concurrentQueries,
  };
}
