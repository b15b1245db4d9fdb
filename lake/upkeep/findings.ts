/**
 * `error`: rows are lost or answers may be wrong; `warning`: answers are right but something is broken;
 * `info`: space that can be won back.
 */
export type Severity = 'error' | 'warning' | 'info';

/** Stable names of what `fsck` finds. */
export type FindingCode =
  /** The log cannot be replayed: a missing or unreadable commit that no checkpoint makes up for. */
  | 'TABLE_UNREADABLE'
  /** Commits are missing between others; older versions cannot be read. */
  | 'LOG_GAP'
  /** A commit cannot be parsed. */
  | 'COMMIT_INVALID'
  /** A checkpoint cannot be read. */
  | 'CHECKPOINT_UNREADABLE'
  /** A checkpoint says something else than the commits before it. */
  | 'CHECKPOINT_MISMATCH'
  /** `_last_checkpoint` is missing, unreadable or names a checkpoint that does not exist. */
  | 'CHECKPOINT_HINT'
  /** One path twice in a commit, or added while it is live. */
  | 'DUPLICATE_PATH'
  /** A live data file is not in the store. */
  | 'FILE_MISSING'
  /** A live data file has another size than the log says. */
  | 'FILE_SIZE'
  /** A live data file is no readable Parquet file. */
  | 'FILE_UNREADABLE'
  /** A data file lacks a required column, or has one of another type or unknown to the table. */
  | 'FILE_SCHEMA'
  /** The Parquet footer has another number of rows than the statistics. */
  | 'ROW_COUNT'
  /** Minimum, maximum or null count do not hold for the rows; files may be skipped wrongly. */
  | 'STATS_WRONG'
  /** An object that no version in the log needs. */
  | 'ORPHAN_OBJECT'
  /** Rows of an ingest that no run names. */
  | 'INVISIBLE_INGEST';

export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  readonly table: string;
  /** Key of the object in the store. */
  readonly path: string;
  readonly message: string;
  /** Whether `repair` can put it right (a lost file: by giving it up, with `dropLost`). */
  readonly repairable: boolean;
}

/** A finding with what its repair needs. */
export interface Problem {
  readonly finding: Finding;
  /** The data file it is about, decoded, below the table root. */
  readonly file?: string;
  /** The version whose checkpoint it is about. */
  readonly checkpoint?: number;
}

const SEVERITY: Readonly<Record<FindingCode, Severity>> = {
  TABLE_UNREADABLE: 'error',
  LOG_GAP: 'warning',
  COMMIT_INVALID: 'error',
  CHECKPOINT_UNREADABLE: 'warning',
  CHECKPOINT_MISMATCH: 'error',
  CHECKPOINT_HINT: 'warning',
  DUPLICATE_PATH: 'warning',
  FILE_MISSING: 'error',
  FILE_SIZE: 'error',
  FILE_UNREADABLE: 'error',
  FILE_SCHEMA: 'error',
  ROW_COUNT: 'error',
  STATS_WRONG: 'error',
  ORPHAN_OBJECT: 'info',
  INVISIBLE_INGEST: 'info',
};

const REPAIRABLE: ReadonlySet<FindingCode> = new Set([
  'CHECKPOINT_UNREADABLE',
  'CHECKPOINT_MISMATCH',
  'CHECKPOINT_HINT',
  'FILE_MISSING',
  'FILE_SIZE',
  'FILE_UNREADABLE',
  'ORPHAN_OBJECT',
  'INVISIBLE_INGEST',
]);

/** A finding as its code defines it. `table` is the table's root. */
export function finding(
  code: FindingCode,
  table: string,
  path: string,
  message: string,
  repairable = REPAIRABLE.has(code),
): Finding {
  return { severity: SEVERITY[code], code, table, path, message, repairable };
}
