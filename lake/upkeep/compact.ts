import { join } from 'node:path';
import { sqlName, sqlString } from '../engine/sql-text.ts';
import { CancelledError } from '../errors.ts';
import type { AddFile } from '../log/actions.ts';
import { CommitConflictError } from '../log/errors.ts';
import { dataKey } from '../log/paths.ts';
import type { Snapshot } from '../log/snapshot.ts';
import { addFile } from '../log/stats.ts';
import type { DeltaTable } from '../log/table.ts';
import { type CopiedFile, copyToParquet } from '../parquet/copy.ts';
import { duckdbType } from '../parquet/duckdb-types.ts';
import { dataFileName } from '../parquet/file-name.ts';
import { copyVectors } from '../parquet/vectors/copy-vectors.ts';
import { isVectorTable } from '../parquet/vectors/vector-file.ts';
import { COLUMNS_TAG, ingestsOf, ingestTags, RUNS_TAG, runsOf, runTags } from '../visibility.ts';
import { type Workspace, type WorkspaceOptions, withWorkspace } from './local-files.ts';
import { type CompactionGroup, planCompaction } from './plan-compaction.ts';

export interface CompactOptions extends WorkspaceOptions {
  /** Size in bytes that files should grow to. Default 256 MiB. */
  readonly targetBytes?: number;
  /**
   * Whether some run names the ingest. Rows of others are dropped, unless their file is younger than the lease: the ingest
   * may still be running and name them last. Asked again right before each commit. Without it nothing is dropped.
   */
  readonly isCurrent?: (ingest: string) => boolean | Promise<boolean>;
  /** How long an ingest may take, in milliseconds. Default 24 hours. */
  readonly leaseMs?: number;
  readonly now?: () => number;
}

export interface CompactResult {
  /** Merges that were committed. */
  readonly commits: number;
  readonly filesRemoved: number;
  readonly filesAdded: number;
  readonly bytesRemoved: number;
  readonly bytesAdded: number;
  /** Rows of ingests that are not current. */
  readonly rowsDropped: number;
}

export const DEFAULT_TARGET_BYTES = 256 * 1024 * 1024;
export const DEFAULT_LEASE_MS = 24 * 3_600_000;

/** A group that is not valid any more is planned again this often before giving up. */
const MAX_REPLANS = 20;

async function currentIngests(
  snapshot: Snapshot,
  options: CompactOptions,
): Promise<(ingest: string) => boolean> {
  const { isCurrent } = options;
  if (!isCurrent) return () => true;
  const current = new Set<string>();
  for (const ingest of new Set([...snapshot.files.values()].flatMap(ingestsOf))) {
    if (await isCurrent(ingest)) current.add(ingest);
  }
  return (ingest) => current.has(ingest);
}

/** A SELECT of the rows to keep, with every column of the table; files that lack a column give nulls. */
async function keptRows(snapshot: Snapshot, group: CompactionGroup, workspace: Workspace): Promise<string> {
  const { columns, sortBy } = snapshot.spec;
  const scans: string[] = [];
  for (const { path, file } of group.files) {
    const local = await workspace.local(dataKey(snapshot.root, path), file.size);
    const from = `read_parquet(${sqlString(local)})`;
    const described = await workspace.connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
    const present = new Set(described.getRows().map((row) => String(row[0])));
    const selected = columns.map(({ name, type }) => {
      const sqlType = duckdbType(type).toString();
      return present.has(name)
        ? `${sqlName(name)}::${sqlType} AS ${sqlName(name)}`
        : `NULL::${sqlType} AS ${sqlName(name)}`;
    });
    const dropped = group.dropped.map(sqlString).join(', ');
    const where = dropped === '' ? '' : ` WHERE ingest_id NOT IN (${dropped})`;
    scans.push(`SELECT ${selected.join(', ')} FROM ${from}${where}`);
  }
  const order = sortBy.length === 0 ? '' : ` ORDER BY ${sortBy.map(sqlName).join(', ')}`;
  return `SELECT * FROM (${scans.join(' UNION ALL ')})${order}`;
}

/** Tags of the merged file: its ingests, for `runs` its runs, its columns, and every other tag that all files agree on. */
function mergedTags(snapshot: Snapshot, group: CompactionGroup): Record<string, string> {
  const tags: Record<string, string> = {};
  const [first, ...others] = group.files.map(({ file }) => file.tags ?? {});
  for (const [name, value] of Object.entries(first ?? {})) {
    if (others.every((other) => other[name] === value)) tags[name] = value;
  }
  if (group.kept.length > 0) Object.assign(tags, ingestTags(group.kept));
  if (group.files.some(({ file }) => file.tags?.[RUNS_TAG] !== undefined)) {
    const runs = group.files.flatMap(({ file }) => runsOf(file));
    Object.assign(tags, runTags(runs.filter((run) => !group.dropped.includes(run.ingest_id))));
  }
  tags[COLUMNS_TAG] = String(snapshot.spec.columns.length);
  return tags;
}

async function merge(
  snapshot: Snapshot,
  group: CompactionGroup,
  workspace: Workspace,
): Promise<CopiedFile | undefined> {
  const allDropped = group.kept.length === 0 && group.dropped.length > 0;
  if (allDropped) return undefined;
  const { spec } = snapshot;
  const { connection, folder } = workspace;
  const select = await keptRows(snapshot, group, workspace);
  const path = join(folder, dataFileName());
  const copied = isVectorTable(spec) ? await copyVectors(connection, select, path) : undefined;
  return copied ?? copyToParquet(connection, select, spec, path);
}

async function rowsOf(group: CompactionGroup, snapshot: Snapshot, workspace: Workspace): Promise<number> {
  let rows = 0;
  for (const { path, file } of group.files) {
    const local = await workspace.local(dataKey(snapshot.root, path), file.size);
    const counted = await workspace.connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM read_parquet(${sqlString(local)})`,
    );
    rows += Number(counted.getRows()[0]?.[0] ?? 0);
  }
  return rows;
}

/**
 * Merges small files into larger sorted ones, one commit a merge, and drops rows of ingests that are not current. Readers of
 * older versions are not disturbed (the merged files stay until vacuum). Another commit is never lost: when it removed a file
 * of the merge, the merge is thrown away and planned again.
 */
export async function compact(table: DeltaTable, options: CompactOptions = {}): Promise<CompactResult> {
  const { targetBytes = DEFAULT_TARGET_BYTES, leaseMs = DEFAULT_LEASE_MS, now = Date.now, signal } = options;
  const call = signal ? { signal } : {};
  const result = {
    commits: 0,
    filesRemoved: 0,
    filesAdded: 0,
    bytesRemoved: 0,
    bytesAdded: 0,
    rowsDropped: 0,
  };
  let replans = 0;
  let groups: CompactionGroup[] | undefined;
  for (;;) {
    if (signal?.aborted) throw new CancelledError(`compaction of ${table.root}`, signal.reason);
    const snapshot = await table.snapshot(call);
    if (groups === undefined) {
      const isCurrent = await currentIngests(snapshot, options);
      const droppable = (ingest: string, written: number) => !isCurrent(ingest) && written < now() - leaseMs;
      groups = planCompaction(snapshot, { targetBytes, droppable });
    }
    const group = groups.shift();
    if (!group) return result;
    if (!group.files.every(({ path }) => snapshot.files.has(path))) {
      replans += 1;
      if (replans > MAX_REPLANS) {
        throw new CommitConflictError(`files of ${table.root} change faster than they can be merged`, {
          remedy: 'compact when fewer writers are active',
        });
      }
      groups = undefined;
      continue;
    }
    const done = await withWorkspace(table.store, options, (workspace) =>
      compactGroup(table, snapshot, group, workspace, options),
    );
    if (!done) {
      // The next round sees that files are gone, or that an ingest became current, and plans again.
      replans += 1;
      if (replans <= MAX_REPLANS) {
        groups = undefined;
        continue;
      }
      throw new CommitConflictError(`merges of ${table.root} always lost against other commits`);
    }
    result.commits += 1;
    result.filesRemoved += group.files.length;
    result.bytesRemoved += group.files.reduce((sum, { file }) => sum + file.size, 0);
    result.filesAdded += done.added ? 1 : 0;
    result.bytesAdded += done.added?.size ?? 0;
    result.rowsDropped += done.rowsDropped;
  }
}

interface Compacted {
  readonly added: AddFile | undefined;
  readonly rowsDropped: number;
}

/** Undefined when another commit made the merge invalid; nothing is left behind then. */
async function compactGroup(
  table: DeltaTable,
  snapshot: Snapshot,
  group: CompactionGroup,
  workspace: Workspace,
  options: CompactOptions,
): Promise<Compacted | undefined> {
  const call = options.signal ? { signal: options.signal } : {};
  const copied = await merge(snapshot, group, workspace);
  const rowsDropped =
    group.dropped.length === 0 ? 0 : (await rowsOf(group, snapshot, workspace)) - (copied?.rows ?? 0);
  const key = copied && dataKey(snapshot.root, copied.name);
  let added: AddFile | undefined;
  if (copied && key !== undefined && copied.rows > 0) {
    await table.store.upload(key, { file: copied.path }, call);
    added = addFile(snapshot.spec, copied, copied.name, {
      tags: mergedTags(snapshot, group),
      // The age of the rows: a young file among them keeps the lease of the merged one.
      now: Math.max(...group.files.map(({ file }) => file.modificationTime)),
    });
  }
  const discard = async (): Promise<undefined> => {
    if (added && key !== undefined) await table.store.delete([key]).catch(() => {});
  };
  try {
    for (const ingest of group.dropped) if (await options.isCurrent?.(ingest)) return await discard();
    await table.commit(
      { name: 'OPTIMIZE', parameters: { targetBytes: options.targetBytes ?? DEFAULT_TARGET_BYTES } },
      () => ({
        remove: group.files.map(({ file }) => file),
        add: added ? [added] : [],
        // Other engines see all rows: for them dropping rows changes data.
        dataChange: rowsDropped > 0,
        metrics: {
          numRemovedFiles: group.files.length,
          numAddedFiles: added ? 1 : 0,
          numDroppedRows: rowsDropped,
        },
      }),
      { ...call, onConflict: 'rebase' },
    );
  } catch (error) {
    if (!(error instanceof CommitConflictError)) throw error;
    return await discard();
  }
  return { added, rowsDropped };
}
