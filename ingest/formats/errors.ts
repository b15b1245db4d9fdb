import { type ErrorDetails, RunlakeError } from '../../lake/errors.ts';

/**
 * What is wrong with the bytes of an artifact. The code of an ingest issue is one of these, so they are stable.
 * `UNSUPPORTED` is a valid file that asks for something Runlake does not read; `LIMIT` is a size, depth or count
 * over what an untrusted file may ask for; `TRUNCATED` is a file that ends before what it promises.
 */
export type FormatSubcode =
  | 'TRUNCATED'
  | 'LIMIT'
  | 'UNSUPPORTED'
  | 'LMDB_CORRUPT'
  | 'LMDB_UNSUPPORTED'
  | 'LMDB_CHANGED'
  | 'BAD_JSON'
  | 'TRUNCATED_LINE'
  | 'NON_UTF8'
  | 'BAD_GZIP'
  | 'BAD_CSV'
  | 'BAD_YAML'
  | 'BAD_NUMBER'
  | 'PICKLE_CORRUPT'
  | 'PICKLE_FORBIDDEN'
  | 'TORCH_CORRUPT'
  | 'NPY_CORRUPT'
  | 'ZARR_CORRUPT'
  | 'ZIP_CORRUPT'
  | 'CODEC_CORRUPT';

export interface FormatErrorDetails extends ErrorDetails {
  /** Offset of the offending byte in the file (or in the value that was being read). */
  readonly byteOffset?: number;
}

/**
 * An artifact's bytes are not what its format says. Every reader in `ingest/formats` throws this (or a subclass)
 * for every malformed input, and nothing else.
 */
export class FormatError extends RunlakeError {
  readonly code = 'FORMAT_ERROR';
  readonly subcode: FormatSubcode;
  readonly byteOffset: number | undefined;

  constructor(subcode: FormatSubcode, message: string, details: FormatErrorDetails = {}) {
    super(message, details);
    this.subcode = subcode;
    this.byteOffset = details.byteOffset;
  }
}
