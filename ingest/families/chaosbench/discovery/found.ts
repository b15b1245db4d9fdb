import { publishReceiptSchema } from '../../../contracts/chaosbench/publish-receipt.ts';
import type { Directory } from '../../../discovery/directory.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { SourceTree } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { PREDICTIONS_FILE, RECEIPT_FILE, SUBSET_FILE } from '../files.ts';
import { runIdentity, sourceDirectory } from '../identity.ts';
import type { ChaosbenchKind } from './classify.ts';

/** A directory that holds a run. */
export interface FoundDirectory {
  readonly directory: Directory;
  readonly kind: ChaosbenchKind;
  /** The part of the run's id after the family. */
  readonly identity: string;
  /** The run's own name: that of the directory unless a receipt has another. */
  readonly name: string;
  /** Whether it has predictions that can be read. */
  readonly hasPredictions: boolean;
}

/**
 * What a directory says about the run in it. A published directory has the identity of the one it was copied from,
 * which its receipt names, so that both are the same run wherever they are found.
 */
export async function foundDirectory(
  tree: SourceTree,
  directory: Directory,
  kind: ChaosbenchKind,
  signal: AbortSignal | undefined,
): Promise<FoundDirectory> {
  const path = absolutePath(tree.store.uri, directory.key);
  const own = { directory, kind, identity: runIdentity(path), name: path.at(-1) ?? '' };
  const complete = directory.files.has(PREDICTIONS_FILE);
  const receipt = directory.files.get(RECEIPT_FILE);
  if (receipt === undefined) {
    return { ...own, hasPredictions: complete || directory.files.has(SUBSET_FILE) };
  }
  const context = { tree, lenient: true, ...(signal ? { signal } : {}) };
  const { value } = await readJsonDocument(context, receipt, RECEIPT_FILE);
  const parsed = publishReceiptSchema.safeParse(value);
  if (!parsed.success) return { ...own, hasPredictions: complete };
  const { run_id: name, source_run_dir: from, artifacts_copied: copied } = parsed.data;
  const source = sourceDirectory(from, name);
  return {
    ...own,
    ...(source === undefined ? {} : { identity: runIdentity(source), name }),
    hasPredictions: complete || (directory.files.has(SUBSET_FILE) && copied.includes(SUBSET_FILE)),
  };
}
