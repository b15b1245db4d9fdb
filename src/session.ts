import { VIEWS } from '../bi/views/views.ts';
import { Lake } from '../lake/lake.ts';
import type { ObjectStore } from '../lake/store/object-store.ts';
import { openStore } from '../lake/store/open-store.ts';
import { LakeWriter } from '../lake/writer.ts';
import type { Config } from './config.ts';
import { viewPublisher } from './views.ts';

/** Environment with which stores are opened: settings from flags and files count as much as variables. */
export function storeEnvironment(config: Config): NodeJS.ProcessEnv {
  return config.s3Endpoint === undefined ? process.env : { ...process.env, S3_ENDPOINT: config.s3Endpoint };
}

/** Opens the store that a configuration names, without touching it. */
export function openConfiguredStore(config: Config): Promise<ObjectStore> {
  return openStore(config.store, { env: storeEnvironment(config) });
}

/** Opens the lake that a configuration names. */
export async function openLake(config: Config): Promise<Lake> {
  return Lake.open({
    store: await openConfiguredStore(config),
    home: config.home,
    cacheBytes: config.cacheBytes,
    memory: config.memory,
    threads: config.threads,
    views: VIEWS,
  });
}

/** Runs `work` with the lake open, and closes it. */
export async function withLake<T>(config: Config, work: (lake: Lake) => Promise<T>): Promise<T> {
  const lake = await openLake(config);
  try {
    return await work(lake);
  } finally {
    await lake.close();
  }
}

/** Share of the memory setting that staging may use while the query engine has the rest. */
const STAGING_SHARE = 0.25;

/** Opens a lake for writing; what is committed is published as views (bi/views). */
export function openWriter(lake: Lake, config: Config, signal?: AbortSignal): Promise<LakeWriter> {
  const listener = viewPublisher(lake, config.log);
  return LakeWriter.open(lake, { memory: config.memory * STAGING_SHARE, listener, signal });
}

/** Runs `work` with the lake open for writing, and closes it. */
export function withWriter<T>(
  config: Config,
  signal: AbortSignal,
  work: (writer: LakeWriter) => Promise<T>,
): Promise<T> {
  return withLake(config, async (lake) => {
    const writer = await openWriter(lake, config, signal);
    try {
      return await work(writer);
    } finally {
      await writer.close();
    }
  });
}
