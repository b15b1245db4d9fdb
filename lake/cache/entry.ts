import { createHash } from 'node:crypto';
import { constants, readFileSync, statSync, utimesSync } from 'node:fs';
import { open, rename, utimes, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { checkSignal } from '../store/abort.ts';
import { fileChunks } from '../store/file-chunks.ts';
import { meansAbsent } from '../store/local-errors.ts';
import { bootId } from '../store/process-identity.ts';
import { removeFile } from '../store/remove.ts';
import { metaSuffix } from './layout.ts';

/** What a cached file was when it was complete. */
export const entryMetaSchema = z.object({
  /** For people who look into the directory. */
  store: z.string(),
  key: z.string(),
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Modification time, set to a whole second so that it survives updates of the access time unrounded. */
  mtimeSeconds: z.number().int(),
  /** When it was written or last checked; see `bootId`. Files are not flushed, so a power cut may damage them. */
  boot: z.string(),
});
export type EntryMeta = z.infer<typeof entryMetaSchema>;

/** Least difference of two uses that eviction by other processes can tell. */
const useResolutionMs = 60_000;

/** How a file looks from outside; a file that still looks the same is taken to be the same. */
export interface FileLook {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** Whether two looks show the same file, unchanged. */
export function looksLike(a: FileLook, b: FileLook): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

/** Undefined when it is missing or not ours: then the object counts as corrupt. */
export function readMeta(objectFile: string): EntryMeta | undefined {
  try {
    const parsed = entryMetaSchema.safeParse(JSON.parse(readFileSync(objectFile + metaSuffix, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || meansAbsent(error)) return undefined;
    throw error;
  }
}

/** @param scratch a path of this process on the same file system */
export async function writeMeta(objectFile: string, meta: EntryMeta, scratch: string): Promise<void> {
  try {
    await writeFile(scratch, JSON.stringify(meta), { flag: 'wx' });
    await rename(scratch, objectFile + metaSuffix);
  } finally {
    await removeFile(scratch);
  }
}

/**
 * Whether a cached file is whole. The cheap check compares size and time stamp; only when the time stamp is
 * another one than recorded, or the machine was started since, is the content read and compared with the checksum.
 * Resolves to its look, or undefined for a corrupt file.
 */
export async function verifiedLook(
  file: string,
  meta: EntryMeta,
  signal: AbortSignal | undefined,
): Promise<FileLook | undefined> {
  const look = lookOf(file);
  if (look.size !== meta.size) return undefined;
  if (look.mtimeMs === meta.mtimeSeconds * 1000 && meta.boot === bootId()) return look;
  if ((await sha256OfFile(file, look.size, signal)) !== meta.sha256) return undefined;
  await utimes(file, new Date(), meta.mtimeSeconds);
  return lookOf(file);
}

/** How a file looks now. @throws what `stat` throws */
export function lookOf(file: string): FileLook {
  const { size, mtimeMs, ino } = statSync(file);
  return { size, mtimeMs, ino };
}

async function sha256OfFile(file: string, size: number, signal: AbortSignal | undefined): Promise<string> {
  const what = `checking ${file}`;
  const hash = createHash('sha256');
  const handle = await open(file, constants.O_RDONLY);
  try {
    for await (const chunk of fileChunks(handle, { start: 0, end: size }, 1 << 20, signal, what)) {
      hash.update(chunk);
      checkSignal(signal, what);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** Notes that a file is used now, for eviction by other processes. Writes only what is news. */
export function noteUse(file: string, meta: EntryMeta): void {
  const now = Date.now();
  if (now - statSync(file).atimeMs > useResolutionMs) utimesSync(file, now / 1000, meta.mtimeSeconds);
}
