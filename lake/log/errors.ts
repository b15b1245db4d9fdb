import { RunlakeError } from '../errors.ts';

/** There is no table at this root: its log holds no version. */
export class TableNotFoundError extends RunlakeError {
  readonly code = 'TABLE_NOT_FOUND';
  constructor(table: string) {
    super(`there is no table at ${table}`, {
      expected: 'a folder _delta_log with at least one commit',
      where: { file: table },
    });
  }
}

/** The table exists but this version (or the state at this time) does not, or no longer. */
export class VersionNotFoundError extends RunlakeError {
  readonly code = 'VERSION_NOT_FOUND';
}

/** A state that the log still tells of, and that vacuum has taken files of. */
export function vacuumedState(cause: unknown): VersionNotFoundError {
  return new VersionNotFoundError('files of this state of the lake are not in the store any more', {
    expected: 'a state that is young enough for vacuum to keep it',
    remedy: 'ask for a newer state; if this is the newest, `runlake lake fsck` says what is lost',
    cause,
  });
}

/** The table uses a protocol version, a table feature or a column type that this reader or writer must not touch. */
export class UnsupportedTableError extends RunlakeError {
  readonly code = 'UNSUPPORTED_TABLE';
}

/** The log breaks the protocol: a gap, an unreadable line, actions that contradict each other. */
export class CorruptLogError extends RunlakeError {
  readonly code = 'CORRUPT_LOG';
}

/** Another commit came first and this change is not valid on top of it. Nothing was committed. */
export class CommitConflictError extends RunlakeError {
  readonly code = 'COMMIT_CONFLICT';
}

/** The wanted schema is no compatible extension of the table's schema. */
export class SchemaMismatchError extends RunlakeError {
  readonly code = 'SCHEMA_MISMATCH';
}
