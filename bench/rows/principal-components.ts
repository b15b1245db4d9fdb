import { z } from 'zod';
import { VECTOR_LAYER, vectorKey, vectorLake } from '../data/vector-lake.ts';
import { dataFiles, graphqlSession } from '../lakes.ts';
import { interleave, type Measured } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { pythonScript } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';

const answer = z.object({ read: z.number(), fit: z.number(), ratios: z.array(z.number()) });
const found = z.object({
  data: z.object({
    pcaActivations: z.tuple([
      z.object({
        n: z.number(),
        residual: z.number(),
        components: z.array(z.object({ explainedVarianceRatio: z.number() })),
      }),
    ]),
  }),
});

const K = 10;
const QUERY = `query ($below: String!, $layer: Int!, $k: Int!) {
  pcaActivations(filter: { activationKey: { lt: $below } }, layers: [$layer], k: $k, points: 500) {
    n residual components { explainedVarianceRatio } points { activationKey scores }
  }
}`;

const SOLVERS = ['full', 'arpack', 'randomized'] as const;
type Solver = (typeof SOLVERS)[number];

/** Principal components of the vectors of a layer, exact to single precision and beyond. */
export const principalComponents: Bench = {
  name: 'principal-components',
  doc: 'pcaActivations on vectors of 4,096, against the solvers of scikit-learn',
  async run(context) {
    const size = context.quick ? { count: 10_000, dim: 512 } : { count: 100_000, dim: 4096 };
    const lake = await vectorLake(context, size);
    const files = await dataFiles(lake, 'activations');
    const session = await graphqlSession(lake);
    const python = new PythonWorker(pythonScript('principal_components.py'), [String(context.threads)]);
    try {
      const compare = (count: number, solvers: readonly Solver[]) =>
        components(context, { count, dim: size.dim, solvers, files, session, python });
      if (context.quick) return await compare(2_000, SOLVERS);
      // The second is too large to be kept between passes, so that every pass reads the lake anew.
      return [...(await compare(4_000, SOLVERS)), ...(await compare(20_000, ['arpack', 'randomized']))];
    } finally {
      python.close();
      await session.close();
      await lake.close();
    }
  },
};

interface Compared {
  readonly count: number;
  readonly dim: number;
  readonly solvers: readonly Solver[];
  readonly files: readonly string[];
  readonly session: Awaited<ReturnType<typeof graphqlSession>>;
  readonly python: PythonWorker;
}

async function components(
  { repetitions, log }: BenchContext,
  { count, dim, solvers, files, session, python }: Compared,
): Promise<Outcome[]> {
  const below = vectorKey(count);
  const ratios = new Map<string, readonly number[]>();
  let residual = Number.NaN;
  const ours: Measured = async () => {
    const started = performance.now();
    const body = await session.ask(QUERY, { below, layer: VECTOR_LAYER, k: K });
    const took = (performance.now() - started) / 1000;
    const [layer] = found.parse(JSON.parse(body)).data.pcaActivations;
    if (layer.n !== count) throw new Error(`took ${layer.n} vectors`);
    residual = layer.residual;
    ratios.set(
      'ours',
      layer.components.map((component) => component.explainedVarianceRatio),
    );
    return took;
  };
  const theirs =
    (solver: Solver): Measured =>
    async () => {
      const { read, fit, ratios: own } = answer.parse(await python.ask({ solver, files, below, k: K }));
      log(`${solver}: read ${read.toFixed(2)} s, fit ${fit.toFixed(2)} s`);
      ratios.set(solver, own);
      return read + fit;
    };
  const times = await interleave(
    { ours, ...Object.fromEntries(solvers.map((solver) => [solver, theirs(solver)])) },
    { repetitions, warmups: 1 },
  );
  return solvers.map((solver): Outcome => {
    const reference = times[solver as keyof typeof times];
    const apart = Math.max(
      ...ratios.get('ours')!.map((own, i) => Math.abs(own / ratios.get(solver)![i]! - 1)),
    );
    return {
      what: `${K} principal components of ${count} x ${dim}, GraphQL from Parquet`,
      unit: 's',
      ours: times.ours,
      reference,
      against: `pyarrow + scikit-learn ${solver}`,
      value: times.ours.median / reference.median,
      ...(solver !== 'randomized' && { target: { relation: '<=', value: 1 } }),
      note: `ratios differ by ${apart.toExponential(1)}, residual ${residual.toExponential(1)}`,
    };
  });
}
