import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ExportRequest, type ExportSummary, exportResult } from '../lake/export/result.ts';
import type { Lake } from '../lake/lake.ts';
import type { CallOptions } from '../lake/store/object-store.ts';
import { UsageError } from './errors.ts';

/**
 * Writes an export to a file, which appears when it is complete, or to standard output.
 * @throws UsageError when the bytes would land on a terminal
 */
export async function exportTo(
  output: string | undefined,
  lake: Lake,
  request: ExportRequest,
  options: CallOptions,
): Promise<ExportSummary> {
  if (output === undefined && process.stdout.isTTY) {
    throw new UsageError(`${request.format} is binary`, { remedy: 'give a file with -o' });
  }
  const result = await exportResult(lake, request, options);
  if (output === undefined) {
    await pipeline(Readable.from(result, { objectMode: false }), process.stdout, { end: false });
    return result.summary;
  }
  const partial = `${output}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await pipeline(Readable.from(result, { objectMode: false }), createWriteStream(partial));
    await rename(partial, output);
    return result.summary;
  } finally {
    await rm(partial, { force: true });
  }
}
