import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { bootstrap, seededRandom } from '../../compute/stats/index.ts';
import { aurocOf, fitPath } from '../../compute/tasks/probe/linear/fit-path.ts';
import { Products } from '../../compute/tasks/probe/linear/products.ts';
import { matrixOf } from '../../compute/tasks/probe/matrix.ts';
import { folds, mask, NOT_IN_A_FOLD } from '../../compute/tasks/probe/splits.ts';
import { labelledFeatures } from '../data/labelled-features.ts';
import { interleave, type Spread, seconds } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { dataset, pythonScript } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

const answer = z.object({ seconds: z.number(), auroc: z.number() });
const PATH = [0.001, 0.01, 0.1, 1, 10];
const FOLDS = 5;
const { signal } = new AbortController();

/** Training a probe against scikit-learn: one regression, and a penalty chosen by inner cross-validation. */
export const probe: Bench = {
  name: 'probe',
  doc: 'logistic regression on activations, against scikit-learn',
  async run({ quick, repetitions, threads, scratch, log }) {
    const [rows, dim] = quick ? [800, 256] : [4000, 2048];
    const train = Math.round(rows * 0.7);
    const { features, labels } = labelledFeatures(rows, dim, 1);
    const directory = await dataset(scratch, `probe-${rows}-${dim}`, async (own) => {
      await writeFile(join(own, 'features'), new Uint8Array(features.buffer));
      await writeFile(join(own, 'labels'), labels);
    });
    log(`${rows} rows of ${dim}, ${train} of them to learn from`);
    const products = await Products.open(threads);
    const python = new PythonWorker(pythonScript('logistic_regression.py'));
    try {
      const outcomes: Outcome[] = [];
      for (const path of [[0.1], PATH]) {
        const found = { ours: Number.NaN, reference: Number.NaN };
        const split = splitAt(train, labels);
        const ours = () =>
          seconds(async () => {
            const matrix = matrixOf(Float32Array.from(features), dim);
            const [fit] = await fitPath(matrix, labels, [split], products, signal, { path });
            found.ours = aurocOf(fit!.scores, labels, (row) => row >= train);
          });
        const reference = async () => {
          const files = { features: join(directory, 'features'), labels: join(directory, 'labels') };
          const result = answer.parse(
            await python.ask({ ...files, rows, dim, train, path, folds: FOLDS, threads }),
          );
          found.reference = result.auroc;
          return result.seconds;
        };
        const times = await interleave({ ours, reference }, { repetitions });
        const what = path.length === 1 ? 'one regression' : `C of ${path.length} by ${FOLDS} inner folds`;
        outcomes.push(outcome(what, times, found));
      }
      outcomes.push(await resampling(repetitions));
      return outcomes;
    } finally {
      python.close();
      await products.close();
    }
  },
};

function outcome(
  what: string,
  { ours, reference }: { readonly ours: Spread; readonly reference: Spread },
  auroc: { readonly ours: number; readonly reference: number },
): Outcome {
  const apart = Math.abs(auroc.ours - auroc.reference);
  if (!(apart <= 0.005)) throw new Error(`AUROC ${auroc.ours}, scikit-learn has ${auroc.reference}`);
  return {
    what: `probe: ${what}`,
    unit: 's',
    ours,
    reference,
    against: 'scikit-learn',
    value: ours.median / reference.median,
    target: { relation: '<=', value: 1 },
    note: `AUROC ${auroc.ours.toFixed(4)} against ${auroc.reference.toFixed(4)}`,
  };
}

async function resampling(repetitions: number): Promise<Outcome> {
  const random = seededRandom(3);
  const labels = Array.from({ length: 1000 }, () => random.below(2));
  const scores = labels.map((label) => random.normal() + label);
  const resamples = 10_000;
  const python = new PythonWorker(pythonScript('bootstrap_auroc.py'));
  const found = z.object({ seconds: z.number(), low: z.number(), high: z.number() });
  try {
    const times = await interleave(
      {
        ours: () => seconds(() => bootstrap(scores, labels, { resamples })),
        reference: async () => found.parse(await python.ask({ scores, labels, resamples })).seconds,
      },
      { repetitions },
    );
    return {
      what: 'bootstrap: AUROC of 1,000 examples, 10,000 resamples',
      unit: 's',
      ours: times.ours,
      reference: times.reference,
      against: 'numpy, counts and cumulative sums',
      value: times.ours.median / times.reference.median,
      target: { relation: '<=', value: 1 },
    };
  } finally {
    python.close();
  }
}

function splitAt(train: number, labels: Uint8Array) {
  const members = mask(labels.length, (row) => row < train);
  const groups = Int32Array.from(labels, (_, row) => row);
  const inner = folds({ groups, labels }, members, FOLDS, seededRandom(1));
  return { train: members, test: mask(labels.length, (row) => inner[row] === NOT_IN_A_FOLD), inner };
}
