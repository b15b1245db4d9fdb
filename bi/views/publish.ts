import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { sqlString } from '../../lake/engine/sql-text.ts';
import type { LakeSnapshot } from '../../lake/engine/types.ts';
import type { Lake } from '../../lake/lake.ts';
import { relationSql } from '../../lake/relation.ts';
import type { CallOptions, ObjectStore } from '../../lake/store/object-store.ts';
import { TABLES_PREFIX } from '../../lake/table-set.ts';
import { deltaScript, FILES_MACRO, rootMacro, type SnapshotScript, snapshotScript } from './script.ts';
import { VIEWS } from './views.ts';

/** Where in the store the published views lie. */
export const PUBLISHED = {
  database: 'views/views.duckdb',
  script: 'views/views.sql',
  deltaScript: 'views/views-delta.sql',
} as const;

/** The oldest DuckDB that can open what is published. */
const STORAGE_VERSION = 'v1.0.0';

/** What was published, and where. */
export interface PublishedViews {
  /** Where clients find the database: an absolute path, or an s3:// address. */
  readonly database: string;
  readonly script: string;
  readonly deltaScript: string;
  /** The state of the lake that they show. */
  readonly snapshot: LakeSnapshot;
}

/** Others who go on committing publish that themselves. */
const ROUNDS = 3;

/**
 * Publishes the newest state. When another process has published in the meantime, this one's may be the older: then once
 * more, so that whoever comes last leaves the newest.
 */
export async function publishNewestViews(lake: Lake, options: CallOptions = {}): Promise<PublishedViews> {
  for (let round = 1; ; round++) {
    lake.refresh();
    const snapshot = await lake.snapshot({}, options);
    const published = await publishViews(lake, snapshot, options);
    lake.refresh();
    if (round === ROUNDS || (await lake.snapshot({}, options)).token === snapshot.token) return published;
  }
}

/**
 * Writes a DuckDB file of views over a snapshot's files, and the same as SQL, into the store. Each object is replaced
 * atomically; who has the old file open goes on reading it.
 */
export async function publishViews(
  lake: Lake,
  snapshot: LakeSnapshot,
  options: CallOptions = {},
): Promise<PublishedViews> {
  const root = rootOf(lake.store);
  const script = await snapshotScript(lake, snapshot, VIEWS, options);
  const directory = join(lake.home, 'tmp', `views-${process.pid}-${randomUUID().slice(0, 8)}`);
  await mkdir(directory, { recursive: true });
  try {
    const file = join(directory, 'views.duckdb');
    await writeDatabase(lake, file, root, script);
    await lake.store.upload(PUBLISHED.database, { file }, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const put = (key: string, title: string, statements: readonly string[]) =>
    lake.store.put(key, Buffer.from(`-- ${title}\n${statements.join(';\n')};\n`), options);
  await put(PUBLISHED.script, 'Views over one state of a Runlake lake, for DuckDB. docs/bi.md says more.', [
    rootMacro(root),
    script.files,
    ...script.definitions,
  ]);
  await put(
    PUBLISHED.deltaScript,
    "Views over the newest state of a Runlake lake, for DuckDB with its extension 'delta'. docs/bi.md says more.",
    [rootMacro(root), ...deltaScript(lake.specs.values(), VIEWS)],
  );
  const at = (key: string) => `${root}/${key}`;
  return {
    database: at(PUBLISHED.database),
    script: at(PUBLISHED.script),
    deltaScript: at(PUBLISHED.deltaScript),
    snapshot,
  };
}

function rootOf(store: ObjectStore): string {
  const local = store.localPath(TABLES_PREFIX);
  return local === undefined ? store.uri.replace(/\/$/, '') : dirname(local);
}

/**
 * A view can only be made where its files can be opened, and this process has no access to S3 by way of DuckDB. So the
 * views are made over empty files of the same columns; after that, the macro that names their files becomes the true one.
 */
async function writeDatabase(lake: Lake, file: string, root: string, script: SnapshotScript): Promise<void> {
  const directory = dirname(file);
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    for (const spec of lake.specs.values()) {
      const path = join(directory, `${spec.name}.parquet`);
      await connection.run(`COPY ${relationSql(spec, spec, [])} TO ${sqlString(path)} (FORMAT parquet)`);
    }
    const standIn = `[${sqlString(directory)} || '/' || split_part(part, '/', 1) || '.parquet']`;
    const statements = [
      `ATTACH ${sqlString(file)} AS published (STORAGE_VERSION '${STORAGE_VERSION}')`,
      'USE published',
      'BEGIN',
      `CREATE MACRO ${FILES_MACRO}(part) AS ${standIn}`,
      ...script.definitions,
      rootMacro(root),
      script.files,
      'COMMIT',
      'USE memory',
      'DETACH published',
    ];
    await connection.run(statements.join(';\n'));
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
}
