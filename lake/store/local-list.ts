import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { checkSignal } from './abort.ts';
import { compareKeys, keyProblem, reservedSegment } from './keys.ts';
import { meansAbsent } from './local-errors.ts';
import type { ListOptions, ObjectInfo } from './object-store.ts';

/** Files are looked up this many at a time, so that a slow disk is kept busy and an unread rest costs little. */
const statBatch = 64;

interface Entry {
  /** Key of a file, or of a directory with a trailing slash: the order of both is the order of keys. */
  readonly key: string;
  readonly directory: boolean;
}

/**
 * Lists the files below `root` in byte order of their keys, one directory in memory at a time. Symbolic links
 * are followed, loops and broken links left out; so are names that are not UTF-8, which no key can say, and
 * what disappears meanwhile. Directories wholly before `after` or outside `prefix` are not opened.
 */
export function listTree(root: string, options: ListOptions): AsyncIterable<ObjectInfo> {
  const prefix = options.prefix ?? '';
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // A prefix such as ../ matches no key and must not lead out of the root.
  if (folder !== '' && keyProblem(folder.slice(0, -1)) !== undefined) return nothing();
  return walk({ root, prefix, after: options.after, signal: options.signal }, folder, []);
}

async function* nothing(): AsyncIterable<ObjectInfo> {}

interface Walk {
  readonly root: string;
  readonly prefix: string;
  readonly after: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function* walk(walked: Walk, folder: string, ancestors: readonly string[]): AsyncIterable<ObjectInfo> {
  checkSignal(walked.signal, `listing ${walked.root}`);
  const self = await statOrUndefined(`${walked.root}/${folder}`);
  if (self === undefined || !self.isDirectory()) return;
  const identity = `${self.dev}:${self.ino}`;
  if (ancestors.includes(identity)) return;
  const entries = await readEntries(walked, folder);
  for (let i = 0; i < entries.length; ) {
    const entry = entries[i]!;
    if (entry.directory) {
      yield* walk(walked, entry.key, [...ancestors, identity]);
      i += 1;
      continue;
    }
    let end = i;
    while (end < entries.length && end - i < statBatch && !entries[end]!.directory) end += 1;
    checkSignal(walked.signal, `listing ${walked.root}`);
    const files = entries.slice(i, end);
    const stats = await Promise.all(files.map((file) => statOrUndefined(`${walked.root}/${file.key}`)));
    for (const [n, file] of files.entries()) {
      const found = stats[n];
      if (found?.isFile()) yield { key: file.key, size: found.size, modified: found.mtime };
    }
    i = end;
  }
}

async function readEntries(walked: Walk, folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const dirent of await readdirOrNothing(`${walked.root}/${folder}`)) {
    if (dirent.name === reservedSegment) continue;
    const key = `${folder}${dirent.name}`;
    if (!mayHold(walked, key)) continue;
    let directory = dirent.isDirectory();
    if (!directory && !dirent.isFile()) {
      // A symbolic link, or a file system that does not tell types in listings.
      const target = await statOrUndefined(`${walked.root}/${key}`);
      if (target === undefined) continue;
      directory = target.isDirectory();
    }
    const entry = { key: directory ? `${key}/` : key, directory };
    if (isWanted(walked, entry)) entries.push(entry);
  }
  return entries.sort((a, b) => compareKeys(a.key, b.key));
}

/** A cheap first sieve before links are resolved. */
function mayHold(walked: Walk, key: string): boolean {
  return key.startsWith(walked.prefix) || walked.prefix.startsWith(key);
}

function isWanted({ prefix, after }: Walk, { key, directory }: Entry): boolean {
  const inPrefix = key.startsWith(prefix) || (directory && prefix.startsWith(key));
  if (!inPrefix || after === undefined) return inPrefix;
  return compareKeys(key, after) > 0 || (directory && after.startsWith(key));
}

async function readdirOrNothing(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (meansAbsent(error)) return [];
    throw error;
  }
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (meansAbsent(error)) return undefined;
    throw error;
  }
}
