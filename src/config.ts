import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_LEASE_MS } from '../compute/jobs/queue.ts';
import { DEFAULT_LIMITS } from '../graphql/limits/limits.ts';
import { type ErrorDetails, messageOf, RunlakeError } from '../lake/errors.ts';
import { parseStoreUri } from '../lake/store/open-store.ts';

/** A setting has a value that it cannot have. */
export class ConfigError extends RunlakeError {
  readonly code = 'CONFIG_INVALID';
  constructor(message: string, details: ErrorDetails) {
    super(message, details);
  }
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `10GB`, `512MiB` or a plain number of bytes. */
const byteSize = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(value));
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  if (match === null || unit === undefined) {
    context.addIssue({ code: 'custom', message: 'expected a size such as 512MiB or 10GB' });
    return z.NEVER;
  }
  return Math.floor(Number(match[1]) * unit);
});

/** @throws ConfigError */
export function parseSize(text: string): number {
  const parsed = byteSize.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`${text} is no size`, { expected: 'a size such as 512MiB or 10GB' });
}

const port = z.coerce.number().int().min(0).max(65_535);
/** `a, b` or a JSON array of texts. */
const textList: z.ZodType<readonly string[], unknown> = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(','))])
  .transform((items) => items.map((item) => item.trim()).filter((item) => item !== ''));

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']);

/** Every setting: its environment variable, its schema, its default, and a line of help. */
const SETTINGS = {
  store: {
    env: 'RUNLAKE_STORE',
    schema: z.string().min(1),
    fallback: 'file:.runlake/store',
    help: 'file:PATH or s3://bucket/prefix',
  },
  home: {
    env: 'RUNLAKE_HOME',
    schema: z.string().min(1),
    fallback: '.runlake',
    help: 'directory of the local cache and of temporary files',
  },
  s3Endpoint: {
    env: 'S3_ENDPOINT',
    schema: z.url(),
    fallback: undefined,
    help: 'endpoint of an S3-compatible server (AWS otherwise)',
  },
  databaseUrl: {
    env: 'DATABASE_URL',
    schema: z.string(),
    fallback: undefined,
    help: 'PostgreSQL for jobs on many machines',
  },
  host: { env: 'RUNLAKE_HOST', schema: z.string().min(1), fallback: '127.0.0.1', help: 'address to bind' },
  port: {
    env: 'RUNLAKE_PORT',
    schema: port,
    fallback: 4000,
    help: 'port of the GraphQL server; 0 takes a free one',
  },
  pgPort: { env: 'RUNLAKE_PG_PORT', schema: port, fallback: undefined, help: 'port of the PostgreSQL door' },
  pgTlsCert: {
    env: 'RUNLAKE_PG_TLS_CERT',
    schema: z.string().min(1),
    fallback: undefined,
    help: 'PEM file with the certificate of the PostgreSQL door',
  },
  pgTlsKey: {
    env: 'RUNLAKE_PG_TLS_KEY',
    schema: z.string().min(1),
    fallback: undefined,
    help: 'PEM file with the private key of that certificate',
  },
  cacheBytes: {
    env: 'RUNLAKE_CACHE_BYTES',
    schema: byteSize,
    fallback: 20e9,
    help: 'most bytes of data files kept on local disk',
  },
  memory: { env: 'RUNLAKE_MEMORY', schema: byteSize, fallback: 2e9, help: 'most memory a query engine uses' },
  threads: {
    env: 'RUNLAKE_THREADS',
    schema: z.coerce.number().int().min(1).max(1024),
    fallback: undefined,
    help: 'threads of the query engine (all cores otherwise)',
  },
  ingestRoots: {
    env: 'RUNLAKE_INGEST_ROOTS',
    schema: textList,
    fallback: [],
    help: 'directories and s3://bucket/prefix, by commas, that callers with a token may have files read from, beside uploads to the store',
  },
  publishRoots: {
    env: 'RUNLAKE_PUBLISH_ROOTS',
    schema: textList,
    fallback: [],
    help: 'directories and s3://bucket/prefix, by commas, that callers with a token may publish runs to',
  },
  endpoints: {
    env: 'RUNLAKE_ENDPOINTS',
    schema: textList,
    fallback: [],
    help: 'addresses of model servers, by commas, that jobs of callers with a token may ask, e.g. http://vllm:8000/v1',
  },
  querySeconds: {
    env: 'RUNLAKE_QUERY_SECONDS',
    schema: z.coerce.number().positive().max(86_400),
    fallback: DEFAULT_LIMITS.time / 1000,
    help: 'longest time a query may take',
  },
  queryRows: {
    env: 'RUNLAKE_QUERY_ROWS',
    schema: z.coerce.number().int().min(1).max(10_000_000),
    fallback: DEFAULT_LIMITS.rows,
    help: 'most rows an answer in SQL may have',
  },
  queryBytes: {
    env: 'RUNLAKE_QUERY_BYTES',
    schema: byteSize,
    fallback: DEFAULT_LIMITS.bytesRead,
    help: 'most bytes of data files a query may read',
  },
  concurrentQueries: {
    env: 'RUNLAKE_CONCURRENT_QUERIES',
    schema: z.coerce.number().int().min(1).max(10_000),
    fallback: DEFAULT_LIMITS.concurrentQueries,
    help: 'queries that one token (or, without tokens, one address) may have under way',
  },
  leaseSeconds: {
    env: 'RUNLAKE_LEASE_SECONDS',
    schema: z.coerce.number().min(0.2).max(3600),
    fallback: DEFAULT_LEASE_MS / 1000,
    help: 'silence in seconds after which a worker counts as dead; the same for all processes of a queue',
  },
  log: {
    env: 'RUNLAKE_LOG',
    schema: logLevel,
    fallback: 'info',
    help: 'trace, debug, info, warn, error or silent',
  },
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The environment variables that settings are read from. */
export const SETTING_VARIABLES: readonly string[] = Object.values(SETTINGS).map(({ env }) => env);

export interface Config {
  readonly store: string;
  readonly home: string;
  readonly s3Endpoint: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly pgPort: number | undefined;
  readonly pgTlsCert: string | undefined;
  readonly pgTlsKey: string | undefined;
  readonly cacheBytes: number;
  readonly memory: number;
  readonly threads: number | undefined;
  readonly ingestRoots: readonly string[];
  readonly publishRoots: readonly string[];
  readonly endpoints: readonly string[];
  readonly querySeconds: number;
  readonly queryRows: number;
  readonly queryBytes: number;
  readonly concurrentQueries: number;
  readonly leaseSeconds: number;
  readonly log: z.infer<typeof logLevel>;
}

export interface ResolvedSetting {
  readonly name: SettingName;
  readonly value: string | number | undefined;
  /** `flag`, an environment variable, `runlake.config.json` or `default`. */
  readonly origin: string;
  readonly help: string;
}

export const CONFIG_FILE = 'runlake.config.json';

export interface ConfigSources {
  readonly flags?: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Where `runlake.config.json` and relative paths are looked up. */
  readonly cwd?: string;
}

/**
 * Settings from flags, then the environment, then `runlake.config.json`, then defaults.
 * @throws ConfigError naming the setting and where its value came from
 */
export function loadConfig(sources: ConfigSources = {}): {
  config: Config;
  settings: readonly ResolvedSetting[];
} {
  const { flags = {}, env = process.env, cwd = process.cwd() } = sources;
  const file = readConfigFile(cwd);
  const settings: ResolvedSetting[] = [];
  const pick = <T extends string | number | readonly string[]>(
    name: SettingName,
    schema: z.ZodType<T, unknown>,
    fallback: T | undefined,
  ): T | undefined => {
    const { env: variable, help } = SETTINGS[name];
    const candidates: readonly (readonly [unknown, string])[] = [
      [flags[name], 'flag'],
      [env[variable] === '' ? undefined : env[variable], variable],
      [file[name], CONFIG_FILE],
    ];
    const [raw, origin] = candidates.find(([value]) => value !== undefined) ?? [undefined, 'default'];
    const parsed = raw === undefined ? undefined : schema.safeParse(raw);
    if (parsed?.success === false) {
      throw new ConfigError(
        `${name} (${origin}) is ${JSON.stringify(raw)}: ${parsed.error.issues[0]?.message}`,
        {
          expected: help,
          remedy: 'see `runlake doctor`',
        },
      );
    }
    const value = parsed === undefined ? fallback : parsed.data;
    settings.push({ name, value: shownValue(value), origin, help });
    return value;
  };
  const S = SETTINGS;
  const config: Config = {
    store: storeUri(pick('store', S.store.schema, S.store.fallback) ?? S.store.fallback, cwd),
    home: resolve(cwd, pick('home', S.home.schema, S.home.fallback) ?? S.home.fallback),
    s3Endpoint: pick('s3Endpoint', S.s3Endpoint.schema, undefined),
    databaseUrl: pick('databaseUrl', S.databaseUrl.schema, undefined),
    host: pick('host', S.host.schema, S.host.fallback) ?? S.host.fallback,
    port: pick('port', S.port.schema, S.port.fallback) ?? S.port.fallback,
    pgPort: pick('pgPort', S.pgPort.schema, undefined),
    pgTlsCert: pick('pgTlsCert', S.pgTlsCert.schema, undefined),
    pgTlsKey: pick('pgTlsKey', S.pgTlsKey.schema, undefined),
    cacheBytes: pick('cacheBytes', S.cacheBytes.schema, S.cacheBytes.fallback) ?? S.cacheBytes.fallback,
    memory: pick('memory', S.memory.schema, S.memory.fallback) ?? S.memory.fallback,
    threads: pick('threads', S.threads.schema, undefined),
    ingestRoots: pick('ingestRoots', S.ingestRoots.schema, S.ingestRoots.fallback) ?? [],
    publishRoots: pick('publishRoots', S.publishRoots.schema, S.publishRoots.fallback) ?? [],
    endpoints: pick('endpoints', S.endpoints.schema, S.endpoints.fallback) ?? [],
    querySeconds:
      pick('querySeconds', S.querySeconds.schema, S.querySeconds.fallback) ?? S.querySeconds.fallback,
    queryRows: pick('queryRows', S.queryRows.schema, S.queryRows.fallback) ?? S.queryRows.fallback,
    queryBytes: pick('queryBytes', S.queryBytes.schema, S.queryBytes.fallback) ?? S.queryBytes.fallback,
    concurrentQueries:
      pick('concurrentQueries', S.concurrentQueries.schema, S.concurrentQueries.fallback) ??
      S.concurrentQueries.fallback,
    leaseSeconds:
      pick('leaseSeconds', S.leaseSeconds.schema, S.leaseSeconds.fallback) ?? S.leaseSeconds.fallback,
    log: pick('log', S.log.schema, S.log.fallback) ?? S.log.fallback,
  };
  return { config, settings };
}

function shownValue(value: string | number | readonly string[] | undefined): string | number | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}

/** Relative directories are relative to where the command runs, whatever opens them later. */
function storeUri(store: string, cwd: string): string {
  const address = parseStoreUri(store);
  return address.kind === 's3' ? store : `file:${resolve(cwd, address.path)}`;
}

function readConfigFile(cwd: string): Record<string, unknown> {
  const path = resolve(cwd, CONFIG_FILE);
  if (!existsSync(path)) return {};
  const known = z.strictObject(
    Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, z.unknown().optional()])),
  );
  try {
    return known.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.ZodError ? error.issues[0]?.message : messageOf(error);
    throw new ConfigError(`${CONFIG_FILE} cannot be used: ${detail}`, {
      expected: `a JSON object with some of ${Object.keys(SETTINGS).join(', ')}`,
      where: { file: path },
      cause: error,
    });
  }
}
