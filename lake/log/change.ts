import { randomUUID } from 'node:crypto';
import type { Action, AddFile, CommitInfo, Metadata, Protocol, RemoveFile, Txn } from './actions.ts';
import { CommitConflictError, SchemaMismatchError, UnsupportedTableError } from './errors.ts';
import { decodePath } from './paths.ts';
import type { Snapshot } from './snapshot.ts';
import { evolvedColumns, parseSchemaString } from './types.ts';

/** What a commit does to a table. */
export interface Change {
  readonly add?: readonly AddFile[];
  /** Live files that leave the table: as they are in the snapshot's `files`. */
  readonly remove?: readonly AddFile[];
  readonly txn?: readonly Txn[];
  readonly metadata?: Metadata;
  /** False when rows are only rearranged (compaction). Default true. */
  readonly dataChange?: boolean;
  /** Numbers for `history`. */
  readonly metrics?: Readonly<Record<string, string | number>>;
  /** Parameters of the operation that depend on the version that is changed, beside those that it has anyway. */
  readonly parameters?: Operation['parameters'];
}

/** How a commit appears in `history`. */
export interface Operation {
  /** Upper case, e.g. `WRITE`, `OPTIMIZE`. */
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
}

const MAX_WRITER_VERSION = 2;

/** @throws UnsupportedTableError when writing to the table needs something that this program does not honour */
export function checkWritable(snapshot: Snapshot): void {
  const { root, protocol, metadata } = snapshot;
  if (protocol.minWriterVersion > MAX_WRITER_VERSION) {
    const features = protocol.writerFeatures?.join(', ');
    throw new UnsupportedTableError(
      `table ${root} needs Delta writer version ${protocol.minWriterVersion}${features ? ` (${features})` : ''}`,
      {
        expected: `writer version ${MAX_WRITER_VERSION}`,
        remedy: 'write to it with the engine that made it',
      },
    );
  }
  // Writer version 2 obliges us to enforce column invariants, which are expressions of Spark SQL.
  if (metadata.schemaString.includes('delta.invariants')) {
    throw new UnsupportedTableError(`table ${root} has column invariants, which cannot be checked here`);
  }
}

function isAppendOnly(metadata: Metadata): boolean {
  return metadata.configuration?.['delta.appendOnly']?.toLowerCase() === 'true';
}

/**
 * Checks that a change is valid on top of a snapshot: a commit must not hold two actions about one thing, must remove only
 * live files, and must extend the schema only.
 * @throws CommitConflictError, SchemaMismatchError, UnsupportedTableError
 */
export function checkChange(snapshot: Snapshot, change: Change): void {
  const { root, version } = snapshot;
  const seen = new Set<string>();
  for (const file of change.remove ?? []) {
    const path = decodePath(file.path);
    if (seen.has(path)) throw new CommitConflictError(`${path} is removed twice from ${root}`);
    seen.add(path);
    if (!snapshot.files.has(path)) {
      throw new CommitConflictError(`${path} is no longer part of version ${version} of ${root}`, {
        expected: 'files to remove that are live',
        remedy: 'plan the change again on the newest version',
      });
    }
  }
  if (seen.size > 0 && change.dataChange !== false && isAppendOnly(snapshot.metadata)) {
    throw new UnsupportedTableError(`table ${root} is append-only (delta.appendOnly)`);
  }
  for (const file of change.add ?? []) {
    const path = decodePath(file.path);
    if (seen.has(path) || snapshot.files.has(path)) {
      throw new CommitConflictError(`${path} is already part of ${root}`, {
        expected: 'data files with names of their own',
      });
    }
    seen.add(path);
  }
  const apps = new Set(change.txn?.map((txn) => txn.appId));
  if (apps.size !== (change.txn?.length ?? 0)) {
    throw new CommitConflictError(`two transactions of one application in one commit of ${root}`);
  }
  if (change.metadata) {
    const current = parseSchemaString(snapshot.metadata.schemaString);
    const wanted = parseSchemaString(change.metadata.schemaString);
    evolvedColumns(current, wanted);
    const lost = current.find((column) => !wanted.some((other) => other.name === column.name));
    if (lost) throw new SchemaMismatchError(`column ${lost.name} of ${root} would be lost`);
  }
}

/** Whether nothing has to be committed for this change. */
export function isEmpty(change: Change): boolean {
  return !change.add?.length && !change.remove?.length && !change.txn?.length && !change.metadata;
}

/** A tombstone for a live file. */
export function tombstone(file: AddFile, now: number, dataChange: boolean): RemoveFile {
  return {
    path: file.path,
    deletionTimestamp: now,
    dataChange,
    extendedFileMetadata: true,
    partitionValues: file.partitionValues,
    size: file.size,
    ...(file.tags ? { tags: file.tags } : {}),
  };
}

/** Metadata of a commit. `timestamp` in milliseconds; the random `txnId` makes every commit's bytes unique. */
export function commitInfo(
  operation: Operation,
  details: { timestamp: number; engineInfo: string; readVersion?: number; isBlindAppend: boolean },
  { metrics = {}, parameters = {} }: Pick<Change, 'metrics' | 'parameters'> = {},
): CommitInfo {
  const texts = (values: Readonly<Record<string, string | number | boolean>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  return {
    timestamp: details.timestamp,
    operation: operation.name,
    operationParameters: texts({ ...operation.parameters, ...parameters }),
    operationMetrics: texts(metrics),
    isolationLevel: 'WriteSerializable',
    isBlindAppend: details.isBlindAppend,
    ...(details.readVersion === undefined ? {} : { readVersion: details.readVersion }),
    engineInfo: details.engineInfo,
    txnId: randomUUID(),
  };
}

/** The actions of a commit, `commitInfo` first. */
export function commitActions(
  change: Change,
  info: CommitInfo,
  head: { protocol?: Protocol } = {},
): Action[] {
  const dataChange = change.dataChange ?? true;
  const now = info.timestamp ?? Date.now();
  return [
    { commitInfo: info },
    ...(head.protocol ? [{ protocol: head.protocol }] : []),
    ...(change.metadata ? [{ metaData: change.metadata }] : []),
    ...(change.txn ?? []).map((txn) => ({ txn })),
    ...(change.remove ?? []).map((file) => ({ remove: tombstone(file, now, dataChange) })),
    ...(change.add ?? []).map((file) => ({ add: { ...file, dataChange } })),
  ];
}
