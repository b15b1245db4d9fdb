import { join } from 'node:path';
import { z } from 'zod';
import { activationTree, storeBytes, storeOfBytes } from '../data/activation-tree.ts';
import { ingestClean, withWriter } from '../lakes.ts';
import { cpuSeconds, interleave, rates, seconds, spread } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { emptied, pythonScript } from '../scratch.ts';
import type { Bench } from '../types.ts';

const answer = z.object({ seconds: z.number(), cpu: z.number(), rows: z.number() });

/** Ingest of an LMDB store of pickled tensors against the loop that people write in Python. */
export const ingestActivations: Bench = {
  name: 'ingest-activations',
  doc: 'LMDB of pickled tensors into the lake, against py-lmdb + numpy + pyarrow',
  async run({ quick, repetitions, threads, scratch, log }) {
    const size = storeOfBytes(quick ? 50e6 : 500e6);
    const { tree, store } = await activationTree(scratch, size);
    const megabytes = storeBytes(size) / 1e6;
    const cpu = { ours: [] as number[], reference: [] as number[] };
    const rows = size.entries * size.layers * size.tokens;
    log(`${size.entries} entries, ${rows} vectors, ${megabytes.toFixed(0)} MB of float16`);
    const python = new PythonWorker(pythonScript('lmdb_to_parquet.py'));
    const out = join(await emptied(join(scratch, 'activations-reference')), 'activations.parquet');
    const reference = async () => {
      const result = answer.parse(await python.ask({ store, out }));
      if (result.rows !== rows) throw new Error(`the reference wrote ${result.rows} rows, not ${rows}`);
      cpu.reference.push(result.cpu);
      return result.seconds;
    };
    const ours = async () => {
      const lake = await emptied(join(scratch, 'activations-lake'));
      return withWriter(lake, threads, (writer) =>
        seconds(async () => {
          const took = await cpuSeconds(async () => {
            const { runs } = await ingestClean(writer, tree);
            const written = runs[0]?.rows['activations'];
            if (written !== rows) throw new Error(`the lake has ${written} rows, not ${rows}`);
          });
          cpu.ours.push(took);
        }),
      );
    };
    try {
      const times = await interleave({ ours, reference }, { repetitions });
      return [
        {
          what: 'ingest of activations',
          unit: 'MB/s of float16',
          ours: rates(times.ours, megabytes),
          reference: rates(times.reference, megabytes),
          against: 'py-lmdb + numpy + pyarrow',
          value: times.reference.median / times.ours.median,
          target: { relation: '>=', value: 1.5 },
          note: `CPU ${spread(cpu.ours).median.toFixed(1)} s against ${spread(cpu.reference).median.toFixed(1)} s; ours also hashes the store, sorts the rows by layer and commits`,
        },
      ];
    } finally {
      python.close();
    }
  },
};
