import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reservedSegment } from '../../../lake/store/keys.ts';
import type { CallOptions, ObjectStore } from '../../../lake/store/object-store.ts';

/** Writes documents into a directory or below a prefix of a bucket, each atomically; leaves nothing else there. */
export async function writeDocuments(
  store: ObjectStore,
  documents: ReadonlyMap<string, string>,
  options: CallOptions = {},
): Promise<void> {
  for (const [name, text] of documents) await store.put(name, Buffer.from(text), options);
  const [name] = documents.keys();
  const path = name === undefined ? undefined : store.localPath(name);
  // A directory store stages its writes in a folder that people would wonder about.
  if (path !== undefined) await rmdir(join(dirname(path), reservedSegment)).catch(() => undefined);
}
