import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Issue, SourceTree } from '../../../family.ts';

/** An index is a table of a few lines a run; what is larger is none. */
const MAX_BYTES = 16 * 1024 * 1024;

const ROW = /^\|\s*`([^`]+)`\s*\|/;

/** The rows of an index of published runs (`README.md`) for which `isPresent` knows no directory. */
export async function indexOrphans(
  tree: SourceTree,
  readme: ObjectInfo,
  isPresent: (runId: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<Issue[]> {
  if (readme.size > MAX_BYTES) return [];
  const bytes = await tree.store.get(readme.key, signal ? { signal } : {});
  const lines = Buffer.from(bytes).toString('utf8').split(/\r?\n/);
  return lines.flatMap((text, i) => {
    const runId = ROW.exec(text)?.[1];
    if (runId === undefined || isPresent(runId)) return [];
    return {
      severity: 'info',
      code: 'PUBLISHED_INDEX_ORPHAN',
      file: readme.key,
      line: i + 1,
      message: `the index lists ${runId}, of which there is no directory`,
    } as const;
  });
}
