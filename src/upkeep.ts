import type { CompactedTable, VacuumedTable, VacuumRequest } from '../graphql/context.ts';
import { deleteExpiredExports } from '../lake/export/exporter.ts';
import type { Lake } from '../lake/lake.ts';
import { TableNotFoundError } from '../lake/log/errors.ts';
import type { DeltaTable } from '../lake/log/table.ts';
import type { CallOptions } from '../lake/store/object-store.ts';
import { type CompactOptions, compact } from '../lake/upkeep/compact.ts';
import { type FsckOptions, type FsckResult, fsck } from '../lake/upkeep/fsck.ts';
import { info, type TableInfo } from '../lake/upkeep/info.ts';
import { type VacuumOptions, vacuum } from '../lake/upkeep/vacuum.ts';
import { refreshViews } from './views.ts';

const HOUR_MS = 3_600_000;

/** The named table, or every table that exists. @throws InvalidArgumentError for a name that is no table */
export async function tablesOf(
  lake: Lake,
  name: string | undefined,
  options: CallOptions = {},
): Promise<DeltaTable[]> {
  const tables: DeltaTable[] = [];
  for (const key of name === undefined ? lake.specs.keys() : [name]) {
    const table = lake.table(key);
    if (await table.exists(options)) tables.push(table);
    else if (name !== undefined) throw new TableNotFoundError(table.root);
  }
  return tables;
}

/** Whether a run of the newest state names the ingest, asked anew each time. */
function visibleNow(lake: Lake, options: CallOptions): (ingest: string) => Promise<boolean> {
  return async (ingest) => (await lake.snapshot({}, options)).visible.has(ingest);
}

/** Merges small files, and drops rows of ingests that no run names any more. */
export async function compactTables(
  lake: Lake,
  name: string | undefined,
  options: Pick<CompactOptions, 'signal' | 'targetBytes' | 'now'> = {},
): Promise<CompactedTable[]> {
  const results: CompactedTable[] = [];
  for (const table of await tablesOf(lake, name, options)) {
    const before = await info(table, options);
    lake.refresh();
    await compact(table, { ...options, isCurrent: visibleNow(lake, options) });
    const after = await info(table, options);
    results.push({
      table: after.name,
      filesBefore: before.files,
      filesAfter: after.files,
      bytesBefore: before.bytes,
      bytesAfter: after.bytes,
      version: after.version,
    });
  }
  await refreshViews(lake, options);
  return results;
}

/** Deletes objects that no state within the retention needs. */
export async function vacuumTables(
  lake: Lake,
  request: VacuumRequest & { readonly force?: boolean },
  options: Pick<VacuumOptions, 'signal' | 'now'> = {},
): Promise<VacuumedTable[]> {
  const results: VacuumedTable[] = [];
  const retentionMs = request.retentionHours === undefined ? undefined : request.retentionHours * HOUR_MS;
  const tables = await tablesOf(lake, request.table, options);
  // Vacuum keeps the newest state: views of an older one could point at objects that it deletes.
  if (!request.dryRun) await refreshViews(lake, options);
  for (const table of tables) {
    const { deleted, deletedBytes, deletedLogEntries } = await vacuum(table, {
      ...options,
      retentionMs,
      dryRun: request.dryRun,
      ...(request.force ? { force: true, leaseMs: retentionMs } : {}),
    });
    const { name } = (await table.snapshot(options)).spec;
    results.push({ table: name, files: deleted.length + deletedLogEntries.length, bytes: deletedBytes });
  }
  if (request.table === undefined) {
    const { files, bytes } = await deleteExpiredExports(lake.store, { ...options, dryRun: request.dryRun });
    if (files > 0) results.push({ table: 'exports', files, bytes });
  }
  return results;
}

export async function tableInfos(
  lake: Lake,
  name: string | undefined,
  options: CallOptions = {},
): Promise<TableInfo[]> {
  return Promise.all((await tablesOf(lake, name, options)).map((table) => info(table, options)));
}

/** Checks the log, the objects, the footers and the statistics of every table, and whether every row has its run. */
export async function checkTables(
  lake: Lake,
  name: string | undefined,
  options: FsckOptions = {},
): Promise<FsckResult> {
  const { visible } = await lake.snapshot({}, options);
  const result = await fsck(await tablesOf(lake, name, options), {
    ...options,
    isVisible: (ingest) => visible.has(ingest),
  });
  lake.refresh();
  if (options.repair) await refreshViews(lake, options);
  return result;
}
