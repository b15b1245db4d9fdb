import { newestVersion, oldestVersion } from '../log/load.ts';
import { listLog } from '../log/log-files.ts';
import { fileStats } from '../log/stats.ts';
import type { DeltaTable } from '../log/table.ts';
import type { CallOptions } from '../store/object-store.ts';
import type { Column } from '../tables/schema.ts';

/** What a table holds, from its log alone. */
export interface TableInfo {
  readonly name: string;
  readonly root: string;
  readonly version: number;
  /** When that version was committed. */
  readonly timestamp: Date;
  /** The oldest version that can still be read from the log. */
  readonly oldestVersion: number;
  readonly checkpointVersion: number | undefined;
  readonly files: number;
  readonly bytes: number;
  /** Rows in live files, visible or not; undefined when a file does not say how many it has. */
  readonly rows: number | undefined;
  /** Files that were removed and that vacuum has not forgotten yet. */
  readonly tombstones: number;
  readonly columns: readonly Column[];
}

/** @throws TableNotFoundError, CorruptLogError, UnsupportedTableError */
export async function info(table: DeltaTable, options: CallOptions = {}): Promise<TableInfo> {
  const snapshot = await table.snapshot(options);
  const listing = await listLog(table.store, table.root, 0, options);
  let bytes = 0;
  let rows: number | undefined = 0;
  for (const file of snapshot.files.values()) {
    bytes += file.size;
    const { numRecords } = fileStats(file);
    rows = rows === undefined || numRecords === undefined ? undefined : rows + numRecords;
  }
  return {
    name: snapshot.spec.name,
    root: table.root,
    version: snapshot.version,
    timestamp: snapshot.timestamp,
    oldestVersion: oldestVersion(listing) ?? newestVersion(listing),
    checkpointVersion: listing.checkpoints.at(-1)?.version,
    files: snapshot.files.size,
    bytes,
    rows,
    tombstones: snapshot.tombstones.size,
    columns: snapshot.spec.columns,
  };
}
