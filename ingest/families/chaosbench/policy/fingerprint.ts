import { createHash } from 'node:crypto';
import { compareKeys } from '../../../../lake/store/keys.ts';
import type { DatasetFile } from '../../../contracts/chaosbench/dataset.ts';

/** What the fingerprint needs of a file. */
export type FingerprintFile = Pick<DatasetFile, 'path' | 'count' | 'sha256'>;

function digest(files: readonly FingerprintFile[], line: (file: FingerprintFile) => string): string {
  const hash = createHash('sha256');
  for (const file of files.toSorted((a, b) => compareKeys(a.path, b.path))) hash.update(line(file));
  return hash.digest('hex');
}

/**
 * Fingerprint of a dataset: SHA-256 over `<path>:<sha256 of the bytes>:<lines that are not blank>\n` of its files,
 * sorted by path. Paths are those of the selector.
 */
export function datasetFingerprint(files: readonly FingerprintFile[]): string {
  return digest(files, ({ path, sha256, count }) => `${path}:${sha256}:${count}\n`);
}

/** The fingerprint of runs before 2026-02-20, without the number of lines. */
export function legacyFingerprint(files: readonly FingerprintFile[]): string {
  return digest(files, ({ path, sha256 }) => `${path}:${sha256}\n`);
}

// Bytes that Python's `bytes.strip` and `str.strip` both take for blanks.
const BLANKS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
const NEWLINE = 0x0a;

/** Hashes a file of the dataset and counts its lines that are not blank, with bounded memory. */
export async function fingerprintFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<FingerprintFile> {
  const hash = createHash('sha256');
  let count = 0;
  let blank = true;
  for await (const chunk of chunks) {
    hash.update(chunk);
    for (const byte of chunk) {
      if (byte === NEWLINE) blank = true;
      else if (blank && !BLANKS.has(byte)) {
        blank = false;
        count++;
      }
    }
  }
  return { path, count, sha256: hash.digest('hex') };
}
