import type { AddFile } from '../log/actions.ts';
import { decodePath } from '../log/paths.ts';
import type { Snapshot } from '../log/snapshot.ts';
import { fileStats, type StatValue } from '../log/stats.ts';
import { compareUtf8 } from '../log/utf8-order.ts';
import { ingestsOf } from '../visibility.ts';

export interface PlannedFile {
  /** Below the table root. */
  readonly path: string;
  readonly file: AddFile;
}

/** Files that become one file, or none when all their rows go. */
export interface CompactionGroup {
  readonly files: readonly PlannedFile[];
  /** Ingests whose rows are left out. */
  readonly dropped: readonly string[];
  /** Ingests whose rows are kept; empty for files that do not say (written by other engines). */
  readonly kept: readonly string[];
}

export interface PlanOptions {
  /** Size in bytes that a file should grow to. */
  readonly targetBytes: number;
  /** Whether the rows of an ingest may be dropped from a file that was written at this time (ms since the epoch). */
  readonly droppable: (ingest: string, written: number) => boolean;
}

interface Candidate extends PlannedFile {
  readonly tagged: boolean;
  readonly dropped: readonly string[];
  readonly kept: readonly string[];
  readonly firstKey: StatValue | undefined;
}

/** Files of at least this share of the target are left alone. */
const LARGE_ENOUGH = 0.75;

function compareKeys(a: StatValue | undefined, b: StatValue | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupOf(files: readonly Candidate[]): CompactionGroup {
  return {
    files: files.map(({ path, file }) => ({ path, file })),
    dropped: [...new Set(files.flatMap((file) => file.dropped))],
    kept: [...new Set(files.flatMap((file) => file.kept))],
  };
}

/**
 * Plans which files to merge: small neighbours in sort order, up to the target size, and every file with rows that can be
 * dropped. Files that do not say which ingests they hold are merged among themselves only.
 */
export function planCompaction(snapshot: Snapshot, options: PlanOptions): CompactionGroup[] {
  const sortKey = snapshot.spec.sortBy[0];
  const candidates: Candidate[] = [];
  for (const file of snapshot.files.values()) {
    const ingests = ingestsOf(file);
    const dropped = ingests.filter((ingest) => options.droppable(ingest, file.modificationTime));
    if (file.size >= options.targetBytes * LARGE_ENOUGH && dropped.length === 0) continue;
    candidates.push({
      path: decodePath(file.path),
      file,
      tagged: ingests.length > 0,
      dropped,
      kept: ingests.filter((ingest) => !dropped.includes(ingest)),
      firstKey: sortKey === undefined ? undefined : fileStats(file).minValues?.[sortKey],
    });
  }
  candidates.sort(
    (a, b) =>
      Number(a.tagged) - Number(b.tagged) ||
      compareKeys(a.firstKey, b.firstKey) ||
      compareUtf8(a.path, b.path),
  );
  const groups: Candidate[][] = [];
  let bytes = 0;
  for (const candidate of candidates) {
    const group = groups.at(-1);
    const fits =
      group?.[0]?.tagged === candidate.tagged && bytes + candidate.file.size <= options.targetBytes;
    if (group && fits) {
      group.push(candidate);
      bytes += candidate.file.size;
    } else {
      groups.push([candidate]);
      bytes = candidate.file.size;
    }
  }
  return groups.map(groupOf).filter((group) => group.files.length > 1 || group.dropped.length > 0);
}
