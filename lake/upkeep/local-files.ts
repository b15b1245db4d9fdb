import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { CancelledError, RunlakeError } from '../errors.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';

/** Gives a local file with the bytes of an object. */
export type Fetch = (key: string, size: number, options: CallOptions) => Promise<string>;

export interface WorkspaceOptions extends CallOptions {
  /** How data files get to local disk; without it they are downloaded and deleted at the end. */
  readonly fetch?: Fetch;
  /** Where temporary files go. Default: the system's temporary folder. */
  readonly directory?: string;
  /** Bytes of memory for DuckDB before it spills to disk. Default 1 GB. */
  readonly memory?: number;
}

/** A folder and a DuckDB of one upkeep operation. */
export interface Workspace {
  readonly folder: string;
  readonly connection: DuckDBConnection;
  /** Local path of an object's bytes. */
  local(key: string, size: number): Promise<string>;
  /** Deletes what was downloaded for an object. */
  release(key: string): Promise<void>;
}

const DEFAULT_MEMORY = 1e9;

/** Runs an operation in a workspace of its own and leaves nothing on local disk. */
export async function withWorkspace<T>(
  store: ObjectStore,
  options: WorkspaceOptions,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(options.directory ?? tmpdir(), 'runlake-upkeep-'));
  const call: CallOptions = options.signal ? { signal: options.signal } : {};
  try {
    await mkdir(join(folder, 'spill'));
    const instance = await DuckDBInstance.create(':memory:', {
      temp_directory: join(folder, 'spill'),
      memory_limit: `${Math.floor((options.memory ?? DEFAULT_MEMORY) / 1e6)}MB`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    const interrupt = () => connection.interrupt();
    options.signal?.addEventListener('abort', interrupt);
    const downloads = new Map<string, string>();
    const local = async (key: string, size: number): Promise<string> => {
      if (options.fetch) return options.fetch(key, size, call);
      const direct = store.localPath(key);
      if (direct !== undefined && !/[*?[\]]/.test(direct)) return direct;
      const known = downloads.get(key);
      if (known !== undefined) return known;
      const path = join(folder, `${randomUUID()}.parquet`);
      await pipeline(store.stream(key, call), createWriteStream(path));
      downloads.set(key, path);
      return path;
    };
    const release = async (key: string): Promise<void> => {
      const path = downloads.get(key);
      downloads.delete(key);
      if (path !== undefined) await rm(path, { force: true });
    };
    try {
      return await work({ folder, connection, local, release });
    } catch (error) {
      // An interrupted statement fails with an error of DuckDB's own.
      if (options.signal?.aborted && !(error instanceof RunlakeError)) {
        throw new CancelledError(`work on ${store.uri}`, error);
      }
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', interrupt);
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
