import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { QueryError } from '../engine/errors.ts';
import { sqlString } from '../engine/sql-text.ts';
import { RunningStatement } from '../engine/statement.ts';
import { RunlakeError } from '../errors.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import { type Action, parseAction } from './actions.ts';
import { CorruptLogError, VersionNotFoundError } from './errors.ts';
import { type CheckpointFiles, checkpointKey, lastCheckpointKey } from './log-files.ts';
import type { Snapshot } from './snapshot.ts';

/** Tombstones are kept this long, so that readers of older versions and vacuum know of them (Delta's default). */
export const TOMBSTONE_RETENTION_MS = 7 * 86_400_000;

const TEXTS = 'MAP(VARCHAR, VARCHAR)';

/** Columns of a classic (V1) checkpoint. Source: PROTOCOL.md, "Checkpoint Schema". */
const CHECKPOINT_COLUMNS: Readonly<Record<string, string>> = {
  txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
  add: `STRUCT(path VARCHAR, partitionValues ${TEXTS}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${TEXTS})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${TEXTS}, size BIGINT, tags ${TEXTS})`,
  metaData: `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${TEXTS}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${TEXTS}, createdTime BIGINT)`,
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
};

let instance: Promise<DuckDBInstance> | undefined;

/** Runs with a connection to a private in-memory DuckDB that loads no extensions. */
async function withDuckDB<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  instance ??= DuckDBInstance.create(':memory:', {
    threads: '1',
    temp_directory: join(tmpdir(), `runlake-log-spill-${process.pid}`),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await (await instance).connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
  }
}

async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'runlake-log-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The actions that a checkpoint of a snapshot holds: everything but expired tombstones. */
export function* checkpointActions(snapshot: Snapshot, now: number): Generator<Action> {
  yield { protocol: snapshot.protocol };
  yield { metaData: snapshot.metadata };
  for (const txn of snapshot.txns.values()) yield { txn };
  for (const remove of snapshot.tombstones.values()) {
    if ((remove.deletionTimestamp ?? 0) > now - TOMBSTONE_RETENTION_MS) {
      yield { remove: { ...remove, dataChange: false } };
    }
  }
  for (const add of snapshot.files.values()) yield { add: { ...add, dataChange: false } };
}

/**
 * Writes the checkpoint of a snapshot and then the hint `_last_checkpoint`. Several writers of one version write the
 * same state, so the last one may win.
 */
export async function writeCheckpoint(
  store: ObjectStore,
  snapshot: Snapshot,
  options: CallOptions & { readonly now?: number } = {},
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const source = join(folder, 'actions.json');
    const target = join(folder, 'checkpoint.parquet');
    let actions = 0;
    let longest = 0;
    function* lines(): Generator<string> {
      for (const action of checkpointActions(snapshot, options.now ?? Date.now())) {
        const line = `${JSON.stringify(action)}\n`;
        actions += 1;
        longest = Math.max(longest, line.length);
        yield line;
      }
    }
    await pipeline(Readable.from(lines()), createWriteStream(source));
    const columns = Object.entries(CHECKPOINT_COLUMNS).map(([name, type]) => `${name}: ${sqlString(type)}`);
    // A UTF-16 unit is at most three bytes of UTF-8; DuckDB's default limit is 16 MiB a line.
    const limit = Math.max(16 * 1024 * 1024, 3 * longest);
    await withDuckDB((connection) =>
      connection.run(
        `COPY (SELECT * FROM read_json(${sqlString(source)}, format = 'newline_delimited', ` +
          `maximum_object_size = ${limit}, columns = {${columns.join(', ')}})) ` +
          `TO ${sqlString(target)} (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    const { size } = await stat(target);
    await store.upload(checkpointKey(snapshot.root, snapshot.version), { file: target }, options);
    const hint = {
      version: snapshot.version,
      size: actions,
      sizeInBytes: size,
      numOfAddFiles: snapshot.files.size,
    };
    await store.put(
      lastCheckpointKey(snapshot.root),
      new TextEncoder().encode(JSON.stringify(hint)),
      options,
    );
  });
}

/**
 * Hands every action of a checkpoint to `apply`.
 * @throws CorruptLogError when the Parquet files cannot be read or hold no valid actions
 * @throws ObjectNotFoundError
 */
export async function readCheckpoint(
  store: ObjectStore,
  checkpoint: CheckpointFiles,
  apply: (action: Action) => void,
  options: CallOptions = {},
): Promise<void> {
  const name = checkpoint.keys[0]!;
  await withTemporaryFolder(async (folder) => {
    const files: string[] = [];
    for (const key of checkpoint.keys) {
      const direct = store.localPath(key);
      // DuckDB would take these characters for a pattern.
      if (direct !== undefined && !/[*?[\]]/.test(direct)) {
        files.push(direct);
        continue;
      }
      const copy = join(folder, `${randomUUID()}.parquet`);
      await pipeline(store.stream(key, options), createWriteStream(copy));
      files.push(copy);
    }
    await withDuckDB(async (connection) => {
      const from = `read_parquet([${files.map(sqlString).join(', ')}], union_by_name = true)`;
      try {
        const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
        const present = described.getRows().map((row) => String(row[0]));
        const wanted = Object.keys(CHECKPOINT_COLUMNS).filter((column) => present.includes(column));
        const members = wanted.map((column) => `${sqlString(column)}, ${column}`);
        const actions = await RunningStatement.start(
          connection,
          `SELECT json_object(${members.join(', ')}) FROM ${from}`,
          options,
        );
        let row = 0;
        for await (const chunk of actions) {
          for (const value of chunk.getColumnValues(0)) {
            row += 1;
            const action = parseAction(JSON.parse(String(value)), name, row);
            if (action) apply(action);
          }
        }
      } catch (cause) {
        const unreadable = cause instanceof QueryError || cause instanceof VersionNotFoundError;
        if (cause instanceof RunlakeError && !unreadable) throw cause;
        throw new CorruptLogError(`checkpoint ${name} cannot be read`, {
          where: { file: name },
          remedy: 'run `runlake lake fsck --repair`',
          cause,
        });
      }
    });
  });
}
