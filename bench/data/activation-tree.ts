import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execute } from '../processes.ts';
import { dataset, pythonScript } from '../scratch.ts';
import { type GeneratedRun, generatedRun, writeContractRun } from './contract-run.ts';

export interface StoreSize {
  readonly entries: number;
  readonly layers: number;
  readonly tokens: number;
  readonly hidden: number;
}

/** A store of about so many bytes of float16 with the shape of a model of 32 blocks. */
export function storeOfBytes(bytes: number): StoreSize {
  const shape = { layers: 33, tokens: 20, hidden: 1024 };
  return { ...shape, entries: Math.ceil(bytes / (shape.layers * shape.tokens * shape.hidden * 2)) };
}

/** A contract run with an LMDB store of pickled torch tensors, as the HalluLens logger writes them. */
export async function activationTree(scratch: string, size: StoreSize): Promise<GeneratedRun> {
  const { entries, layers, tokens, hidden } = size;
  const tree = await dataset(scratch, `store-${entries}x${layers}x${tokens}x${hidden}`, async (directory) => {
    await writeContractRun(directory, entries, true);
    const { run, store } = generatedRun(directory);
    await mkdir(dirname(store), { recursive: true });
    const sizes = [layers, tokens, hidden].map(String);
    await execute('python3', [
      pythonScript('write_lmdb.py'),
      join(run, 'generations.jsonl'),
      store,
      ...sizes,
    ]);
  });
  return generatedRun(tree);
}

export function storeBytes({ entries, layers, tokens, hidden }: StoreSize): number {
  return entries * layers * tokens * hidden * 2;
}
