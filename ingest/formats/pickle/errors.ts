import { FormatError, type FormatErrorDetails } from '../errors.ts';

/** A pickle asks for a class or function that is not on the allow-list. Nothing was called. */
export class PickleForbiddenError extends FormatError {
  /** `module.name`. */
  readonly global: string;

  constructor(global: string, byteOffset: number, details: FormatErrorDetails = {}) {
    super('PICKLE_FORBIDDEN', `the pickle asks for ${global} at byte ${byteOffset}, which is not allowed`, {
      expected: 'plain containers, numpy arrays and torch tensors only',
      remedy:
        'do not load this file with Python either unless you trust its origin; write it again as plain data',
      ...details,
      byteOffset,
    });
    this.global = global;
  }
}

/** A byte sequence that no pickler writes. */
export function corrupt(message: string, byteOffset: number): FormatError {
  return new FormatError('PICKLE_CORRUPT', `${message} (pickle, byte ${byteOffset})`, { byteOffset });
}

/** The pickle needs more than an untrusted file may have. */
export function overLimit(message: string, byteOffset?: number): FormatError {
  return new FormatError('LIMIT', message, byteOffset === undefined ? {} : { byteOffset });
}

/** Says that a pickle asks for something that is never allowed. */
export const forbid = (what: string, byteOffset: number) => new PickleForbiddenError(what, byteOffset);
