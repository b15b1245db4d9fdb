import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { activationTree, storeBytes, storeOfBytes } from '../data/activation-tree.ts';
import { spread } from '../measure.ts';
import { execute } from '../processes.ts';
import { emptied } from '../scratch.ts';
import type { Bench } from '../types.ts';

/** The most memory that `runlake ingest` ever has while it ingests a store many times as large. */
export const ingestMemory: Bench = {
  name: 'ingest-memory',
  doc: 'peak resident memory of `runlake ingest` on a large store (2 GB; 10 GB with --full)',
  async run({ quick, full, scratch, log }) {
    const size = storeOfBytes(quick ? 200e6 : full ? 10e9 : 2e9);
    const { tree } = await activationTree(scratch, size);
    const lake = await emptied(join(scratch, 'memory-lake'));
    const env = {
      ...process.env,
      RUNLAKE_STORE: `file:${join(lake, 'store')}`,
      RUNLAKE_HOME: join(lake, 'home'),
    };
    const gigabytes = storeBytes(size) / 1e9;
    const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
    const result = await execute(process.execPath, [cli, 'ingest', tree, '--json'], env);
    log(`${gigabytes.toFixed(1)} GB in ${result.seconds.toFixed(0)} s`);
    const peak = result.peakBytes / 1e9;
    await emptied(lake);
    return [
      {
        what: `peak memory while ingesting ${gigabytes.toFixed(1)} GB`,
        unit: 'GB',
        ours: spread([peak]),
        value: peak,
        target: { relation: '<', value: 1 },
        note: `${((gigabytes * 1000) / result.seconds).toFixed(0)} MB/s of float16, process start included`,
      },
    ];
  },
};
