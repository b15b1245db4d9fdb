import { CancelledError, messageOf } from '../errors.ts';
import { writeCheckpoint } from '../log/checkpoint.ts';
import { CorruptLogError, TableNotFoundError, UnsupportedTableError } from '../log/errors.ts';
import { lastCheckpointKey, logPrefix } from '../log/log-files.ts';
import { dataKey } from '../log/paths.ts';
import type { Snapshot } from '../log/snapshot.ts';
import type { DeltaTable } from '../log/table.ts';
import type { CallOptions, ObjectInfo } from '../store/object-store.ts';
import { ingestsOf } from '../visibility.ts';
import { DEFAULT_LEASE_MS } from './compact.ts';
import { type Finding, finding, type Problem } from './findings.ts';
import { checkFile } from './fsck-files.ts';
import { checkLog, replayCommitsOnly } from './fsck-log.ts';
import { type WorkspaceOptions, withWorkspace } from './local-files.ts';

export interface FsckOptions extends WorkspaceOptions {
  /** Put right what can be put right without losing visible rows. */
  readonly repair?: boolean;
  /** With `repair`: remove files from the log that are lost or unreadable. Their rows are gone. */
  readonly dropLost?: boolean;
  /** Whether some run names the ingest; without it ingests are not checked. */
  readonly isVisible?: (ingest: string) => boolean;
  /** Read every row to check statistics. Default true; false reads footers only. */
  readonly data?: boolean;
  /** Objects and ingests younger than this may belong to a running ingest and are no finding. Default 24 hours. */
  readonly leaseMs?: number;
  readonly now?: () => number;
  /** Told after each file: how many of how many of the table are checked. */
  readonly onProgress?: (table: string, done: number, total: number) => void;
}

export interface FsckResult {
  readonly findings: readonly Finding[];
  /** Those of `findings` that were put right. */
  readonly repaired: readonly Finding[];
}

async function listObjects(table: DeltaTable, call: CallOptions): Promise<Map<string, ObjectInfo>> {
  const prefix = `${table.root}/`;
  const objects = new Map<string, ObjectInfo>();
  for await (const object of table.store.list({ ...call, prefix })) {
    if (!object.key.startsWith(logPrefix(table.root))) objects.set(object.key.slice(prefix.length), object);
  }
  return objects;
}

function checkOrphans(
  root: string,
  objects: ReadonlyMap<string, ObjectInfo>,
  mentioned: ReadonlySet<string>,
  youngest: number,
): Problem[] {
  const problems: Problem[] = [];
  for (const [path, { key, size, modified }] of objects) {
    if (mentioned.has(path) || /(^|\/)[_.]/.test(path) || modified.getTime() >= youngest) continue;
    problems.push({
      finding: finding(
        'ORPHAN_OBJECT',
        root,
        key,
        `no version in the log needs this object of ${size} bytes`,
      ),
      file: path,
    });
  }
  return problems;
}

function checkIngests(
  snapshot: Snapshot,
  isVisible: (ingest: string) => boolean,
  youngest: number,
): Problem[] {
  const problems: Problem[] = [];
  for (const [path, file] of snapshot.files) {
    if (file.modificationTime >= youngest) continue;
    const ingests = ingestsOf(file);
    const invisible = ingests.filter((ingest) => !isVisible(ingest));
    if (invisible.length === 0) continue;
    const whole = invisible.length === ingests.length;
    const remedy = whole ? '' : '; compaction drops their rows';
    const message = `holds rows of ${invisible.join(', ')}, which no run names${remedy}`;
    const path_ = dataKey(snapshot.root, path);
    problems.push({
      finding: finding('INVISIBLE_INGEST', snapshot.root, path_, message, whole),
      file: path,
    });
  }
  return problems;
}

async function checkFiles(
  { store, root }: DeltaTable,
  snapshot: Snapshot,
  objects: ReadonlyMap<string, ObjectInfo>,
  options: FsckOptions,
): Promise<Problem[]> {
  const { data = true, signal } = options;
  const call: CallOptions = signal ? { signal } : {};
  return withWorkspace(store, options, async (workspace) => {
    const problems: Problem[] = [];
    let done = 0;
    for (const [path, file] of snapshot.files) {
      if (signal?.aborted) throw new CancelledError(`fsck of ${root}`, signal.reason);
      const key = dataKey(root, path);
      // Files committed after the listing are not in it.
      const object = objects.get(path) ?? (await store.head(key, call));
      problems.push(...(await checkFile(store, snapshot, path, file, object, workspace, { ...call, data })));
      await workspace.release(key);
      done += 1;
      options.onProgress?.(root, done, snapshot.files.size);
    }
    return problems;
  });
}

async function checkTable(table: DeltaTable, options: FsckOptions): Promise<Problem[]> {
  const { store, root } = table;
  const { now = Date.now, leaseMs = DEFAULT_LEASE_MS, signal } = options;
  const call: CallOptions = signal ? { signal } : {};
  const youngest = now() - leaseMs;
  // Objects before the log: a file that is uploaded and committed meanwhile is then no orphan.
  const objects = await listObjects(table, call);
  let snapshot: Snapshot | undefined;
  const problems: Problem[] = [];
  try {
    snapshot = await table.snapshot(call);
  } catch (error) {
    if (error instanceof TableNotFoundError) return [];
    const unsupported = error instanceof UnsupportedTableError;
    if (!(error instanceof CorruptLogError || unsupported)) throw error;
    problems.push({ finding: finding('TABLE_UNREADABLE', root, logPrefix(root), messageOf(error)) });
    if (unsupported) return problems;
  }
  const log = await checkLog(store, root, call);
  problems.push(...log.problems);
  if (!snapshot) return problems;
  problems.push(...checkOrphans(root, objects, log.mentioned, youngest));
  if (options.isVisible) problems.push(...checkIngests(snapshot, options.isVisible, youngest));
  problems.push(...(await checkFiles(table, snapshot, objects, options)));
  return problems;
}

const LOST: ReadonlySet<string> = new Set(['FILE_MISSING', 'FILE_SIZE', 'FILE_UNREADABLE']);

/** Takes files out of the table: rows that nobody sees, and lost files when that was asked for. */
async function removeFiles(
  table: DeltaTable,
  name: string,
  problems: readonly Problem[],
  call: CallOptions,
): Promise<void> {
  const paths = new Set(problems.flatMap(({ file }) => file ?? []));
  if (paths.size === 0) return;
  await table.commit(
    { name: 'FSCK', parameters: { reason: name } },
    ({ files }) => ({ remove: [...files].filter(([path]) => paths.has(path)).map(([, file]) => file) }),
    call,
  );
}

async function repairCheckpoints(
  table: DeltaTable,
  problems: readonly Problem[],
  call: CallOptions,
): Promise<Problem[]> {
  const repaired: Problem[] = [];
  const broken = problems.filter(({ checkpoint }) => checkpoint !== undefined);
  for (const problem of broken.sort((a, b) => a.checkpoint! - b.checkpoint!)) {
    const state = await replayCommitsOnly(table.store, table.root, problem.checkpoint!, call);
    if (!state) continue;
    await writeCheckpoint(table.store, state, call);
    repaired.push(problem);
  }
  const hint = problems.find(({ finding: { code } }) => code === 'CHECKPOINT_HINT');
  if (hint || repaired.length > 0) {
    // The newest version may have been built from a wrong checkpoint. Rewriting an old checkpoint moved the hint back:
    // a new one puts that right.
    table.forget();
    await table.store.delete([lastCheckpointKey(table.root)], call);
    await writeCheckpoint(table.store, await table.snapshot(call), call);
    if (hint) repaired.push(hint);
  }
  return repaired;
}

async function repairTable(
  table: DeltaTable,
  problems: readonly Problem[],
  options: FsckOptions,
): Promise<Problem[]> {
  const call: CallOptions = options.signal ? { signal: options.signal } : {};
  if (problems.some(({ finding: { code } }) => code === 'TABLE_UNREADABLE')) return [];
  const repairable = problems.filter((problem) => problem.finding.repairable);
  const of = (wanted: (code: string) => boolean) => repairable.filter((p) => wanted(p.finding.code));
  const repaired = await repairCheckpoints(table, repairable, call);
  const invisible = of((code) => code === 'INVISIBLE_INGEST');
  await removeFiles(table, 'rows that no run names', invisible, call);
  repaired.push(...invisible);
  if (options.dropLost) {
    const lost = of((code) => LOST.has(code));
    await removeFiles(table, 'lost files', lost, call);
    repaired.push(...lost);
  }
  const orphans = of((code) => code === 'ORPHAN_OBJECT');
  if (orphans.length > 0) {
    const { files } = await table.snapshot(call);
    const doomed = orphans.filter(({ file }) => file !== undefined && !files.has(file));
    await table.store.delete(
      doomed.map((problem) => problem.finding.path),
      call,
    );
    repaired.push(...doomed);
  }
  return repaired;
}

/**
 * Checks tables: the log against itself, its checkpoints and the objects; Parquet footers and rows against schema and
 * statistics; ingests against the runs. A table that does not exist has no findings.
 */
export async function fsck(tables: readonly DeltaTable[], options: FsckOptions = {}): Promise<FsckResult> {
  const findings: Finding[] = [];
  const repaired: Finding[] = [];
  for (const table of tables) {
    const problems = await checkTable(table, options);
    findings.push(...problems.map((problem) => problem.finding));
    if (options.repair) {
      const done = await repairTable(table, problems, options);
      repaired.push(...done.map((problem) => problem.finding));
    }
  }
  return { findings, repaired };
}
