import type { Lake } from '../../lake/lake.ts';
import { ingestClean, openLake, withWriter } from '../lakes.ts';
import { dataset } from '../scratch.ts';
import type { BenchContext } from '../types.ts';
import { activationTree, type StoreSize, storeOfBytes } from './activation-tree.ts';

/** A lake with one run, its predictions and its activations, ingested once for every bench that reads it. */
export async function activationLake(
  context: BenchContext,
): Promise<{ readonly lake: Lake; readonly runId: string; readonly size: StoreSize }> {
  const { quick, scratch, threads } = context;
  const size = storeOfBytes(quick ? 200e6 : 500e6);
  const { tree, runId } = await activationTree(scratch, size);
  const directory = await dataset(scratch, `lake-${size.entries}`, async (unfinished) => {
    await withWriter(unfinished, threads, (writer) => ingestClean(writer, tree));
  });
  return { lake: await openLake(directory, threads), runId, size };
}
