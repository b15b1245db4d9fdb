import { RunlakeError } from '../errors.ts';

/** A result cannot be written in the format that was asked for. */
export class ExportError extends RunlakeError {
  readonly code = 'EXPORT_FAILED';
}

/** A result is larger than an export may be. */
export class ExportSizeError extends RunlakeError {
  readonly code = 'EXPORT_TOO_LARGE';
  readonly allowed: number;
  constructor(allowed: number) {
    super(`the export has more than ${allowed} bytes`, {
      expected: `at most ${allowed} bytes`,
      remedy: 'select fewer columns or rows, or export in parts',
    });
    this.allowed = allowed;
  }
}
