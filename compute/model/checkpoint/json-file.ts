import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../../ingest/formats/json/parse.ts';
import { hasErrno, messageOf } from '../../../lake/errors.ts';
import { CheckpointError } from '../errors.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * A JSON file of a checkpoint, checked by its schema; undefined when there is none.
 * @throws CheckpointError
 */
export async function readJsonFile<T>(
  path: string,
  schema: z.ZodType<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const file = basename(path);
  let value: unknown;
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes are more than ${MAX_BYTES}`);
    value = parseJson(await readFile(path, { signal }), { file }).value;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw new CheckpointError(`cannot read ${path}: ${messageOf(error)}`, { where: { file }, cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`${file}: ${z.prettifyError(parsed.error)}`, { where: { file } });
}
