import { InvalidArgumentError } from '../../../lake/errors.ts';
import { FormatError } from '../errors.ts';

/** @throws FormatError `TRUNCATED`: a range outside the source comes from a file that promises more than it has. */
export function checkRange(name: string, size: number, start: number, end: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new InvalidArgumentError(`no such range of ${name}: [${start}, ${end})`);
  }
  if (end > size) {
    throw new FormatError(
      'TRUNCATED',
      `${name} has ${size} bytes but its content refers to bytes up to ${end}`,
      {
        where: { file: name },
        byteOffset: size,
        remedy: 'copy the file again; it was probably cut off while it was written or transferred',
      },
    );
  }
}

/** @throws FormatError `TRUNCATED` when fewer bytes came than asked for: the object changed under the reader. */
export function checkLength(name: string, start: number, end: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === end - start) return bytes;
  throw new FormatError('TRUNCATED', `${name}: ${bytes.length} of ${end - start} bytes at offset ${start}`, {
    where: { file: name },
    byteOffset: start + bytes.length,
    remedy: 'the object became shorter while it was read; ingest it again once its writer is done',
  });
}
