import { z } from 'zod';
import { VECTOR_LAYER, vectorKey, vectorLake } from '../data/vector-lake.ts';
import { dataFiles, graphqlSession } from '../lakes.ts';
import { interleave, type Measured } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { pythonScript } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

const answer = z.object({ seconds: z.number(), keys: z.array(z.string()) });
const found = z.object({
  data: z.object({
    nearestActivations: z.object({ n: z.number(), rows: z.array(z.object({ activationKey: z.string() })) }),
  }),
});

const K = 10;
const QUERY = `query ($key: String!, $layer: Int!, $k: Int!) {
  nearestActivations(to: { activation: { activationKey: $key, layer: $layer } }, layer: $layer, k: $k) {
    n rows { activationKey value }
  }
}`;

const REFERENCES = [
  ['parquet', 'pyarrow + numpy, from Parquet'],
  ['memory', 'numpy, unit vectors in memory'],
  ['faiss', 'faiss IndexFlatIP, in memory'],
] as const;

/** Exact neighbours by cosine of one vector among all of a layer. */
export const neighbours: Bench = {
  name: 'neighbours',
  doc: 'nearestActivations among 100,000 vectors of 4,096, against numpy and faiss (bench/python/requirements.txt)',
  async run(context) {
    const size = context.quick ? { count: 10_000, dim: 512 } : { count: 100_000, dim: 4096 };
    const lake = await vectorLake(context, size);
    const files = await dataFiles(lake, 'activations');
    context.log(`${size.count} vectors of ${size.dim} in ${files.length} files`);
    const session = await graphqlSession(lake);
    const python = new PythonWorker(pythonScript('neighbours.py'), [String(context.threads)]);
    try {
      let turn = 0;
      // Every contestant of a round gets the same keys in turn.
      const next = () => vectorKey((++turn * 7919) % size.count);
      const ours = async (key: string) => {
        const started = performance.now();
        const body = await session.ask(QUERY, { key, layer: VECTOR_LAYER, k: K });
        const { n, rows } = found.parse(JSON.parse(body)).data.nearestActivations;
        if (n !== size.count - 1) throw new Error(`compared with ${n} vectors`);
        return { seconds: (performance.now() - started) / 1000, keys: rows.map((row) => row.activationKey) };
      };
      const theirs = async (how: string, key: string) =>
        answer.parse(await python.ask({ how, files, key, k: K }));
      const key = next();
      const expected = (await ours(key)).keys.join();
      for (const [how] of REFERENCES) {
        const { keys } = await theirs(how, key);
        if (keys.join() !== expected) throw new Error(`${how} finds ${keys.join()}, not ${expected}`);
      }
      const reference =
        (how: string): Measured =>
        async () =>
          (await theirs(how, next())).seconds;
      const times = await interleave(
        {
          ours: async () => (await ours(next())).seconds,
          parquet: reference('parquet'),
          memory: reference('memory'),
          faiss: reference('faiss'),
        },
        { repetitions: context.repetitions },
      );
      return REFERENCES.map(
        ([how, against]): Outcome => ({
          what: `nearest ${K} of ${size.count} x ${size.dim}, GraphQL from Parquet`,
          unit: 's',
          ours: times.ours,
          reference: times[how],
          against,
          value: times.ours.median / times[how].median,
          ...(how === 'parquet' && { target: { relation: '<=', value: 1 } }),
        }),
      );
    } finally {
      python.close();
      await session.close();
      await lake.close();
    }
  },
};
