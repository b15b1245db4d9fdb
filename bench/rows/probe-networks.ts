import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Feed } from '../../compute/model/engine/session.ts';
import { aurocOf } from '../../compute/tasks/probe/linear/fit-path.ts';
import { matrixOf } from '../../compute/tasks/probe/matrix.ts';
import {
  crossEntropy,
  positivePairs,
  supervisedContrastive,
} from '../../compute/tasks/probe/network/losses.ts';
import { ScaledFeatures } from '../../compute/tasks/probe/network/scaled-features.ts';
import { type Lesson, matrixFeed, Trainer } from '../../compute/tasks/probe/network/training.ts';
import { mask } from '../../compute/tasks/probe/splits.ts';
import { labelledFeatures } from '../data/labelled-features.ts';
import { interleave, seconds, spread } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { dataset, pythonScript } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

const answer = z.object({ seconds: z.number(), cpu: z.number(), auroc: z.number().nullable() });
const { signal } = new AbortController();
const TEMPERATURES = { temperature: 0.25, baseTemperature: 0.07 };

/** Training the networks of probes against PyTorch: the same widths, batches, epochs and optimiser. */
export const probeNetworks: Bench = {
  name: 'probe-networks',
  doc: 'perceptron and contrastive embedding on activations, against PyTorch',
  async run({ quick, repetitions, threads, scratch, log }) {
    const [rows, dim, epochs] = quick ? [800, 256, 3] : [4000, 2048, 2];
    const train = Math.round(rows * 0.7);
    const batch = Math.floor(train / 8);
    log(`${train} rows of ${dim}, ${epochs} epochs of ${Math.ceil(train / batch)} steps`);
    const views = [1, 2].map((seed) => labelledFeatures(rows, dim, seed));
    const { labels } = views[0]!;
    const directory = await dataset(scratch, `probe-networks-${rows}-${dim}`, async (own) => {
      for (const [i, { features }] of views.entries())
        await writeFile(join(own, `view-${i}`), new Uint8Array(features.buffer));
      await writeFile(join(own, 'labels'), labels);
    });
    const python = new PythonWorker(pythonScript('probe_networks.py'));
    const outcomes: Outcome[] = [];
    try {
      for (const kind of ['saplma', 'contrastive'] as const) {
        const isPerceptron = kind === 'saplma';
        const hidden = [dim / 2, dim / 4, dim / 8];
        const widths = [dim, ...hidden, isPerceptron ? 1 : dim / 8];
        const dropout = isPerceptron ? [0, 0.1, 0.1, 0.1] : [0.3, 0, 0, 0];
        const found = { ours: Number.NaN, reference: Number.NaN };
        const cpu = { ours: [] as number[], reference: [] as number[] };
        const loss = isPerceptron ? crossEntropy : supervisedContrastive(TEMPERATURES);
        const learningRate = isPerceptron ? 1e-3 : (1e-5 * 4096) / dim;
        const clip = isPerceptron ? undefined : 1;
        const ours = () =>
          seconds(async () => {
            const before = process.cpuUsage();
            const trained = mask(rows, (row) => row < train);
            const scaled = await Promise.all(
              views
                .slice(0, isPerceptron ? 1 : 2)
                .map(({ features }) =>
                  ScaledFeatures.over(matrixOf(Float32Array.from(features), dim), trained, signal),
                ),
            );
            const trainer = await Trainer.open({ widths, dropout }, loss, threads);
            const settings = { learningRate, batchSize: batch, epochs, minSteps: 0, patience: epochs };
            const { parameters } = await trainer.train(
              lessonOf(kind, scaled, labels, train),
              { ...settings, ...(clip !== undefined && { clip }) },
              { seed: [1], checkpoint: undefined, signal, onProgress: () => undefined },
            );
            const held = Int32Array.from({ length: rows - train }, (_, i) => train + i);
            if (isPerceptron) found.ours = await testAuroc(trainer, parameters, scaled[0]!, held, labels);
            await trainer.close();
            const { user, system } = process.cpuUsage(before);
            cpu.ours.push((user + system) / 1e6);
          });
        const asked = {
          ...{ kind, rows, dim, train, widths, dropout, batch, epochs, threads },
          ...{ lr: learningRate, clip: clip ?? 0, temperature: TEMPERATURES.temperature },
          views: views.slice(0, isPerceptron ? 1 : 2).map((_, i) => join(directory, `view-${i}`)),
          labels: join(directory, 'labels'),
        };
        const reference = async (): Promise<number> => {
          const result = answer.parse(await python.ask(asked));
          found.reference = result.auroc ?? Number.NaN;
          cpu.reference.push(result.cpu);
          return result.seconds;
        };
        const times = await interleave({ ours, reference }, { repetitions });
        outcomes.push({
          what: `probe-networks: ${kind}`,
          unit: 's',
          ours: times.ours,
          reference: times.reference,
          against: 'PyTorch',
          value: times.ours.median / times.reference.median,
          note: [
            `${median(cpu.ours).toFixed(2)} against ${median(cpu.reference).toFixed(2)} CPU seconds`,
            ...(isPerceptron
              ? [`AUROC ${found.ours.toFixed(3)} against ${found.reference.toFixed(3)}, other random numbers`]
              : []),
          ].join('; '),
        });
      }
      return outcomes;
    } finally {
      python.close();
    }
  },
};

/** Without the warm-up. */
function median(values: readonly number[]): number {
  return spread(values.slice(1)).median;
}

/** What the reference does too: batches, and nothing that is validated. */
function lessonOf(
  kind: 'saplma' | 'contrastive',
  views: readonly ScaledFeatures[],
  labels: Uint8Array,
  train: number,
): Lesson {
  let epoch = 0;
  return {
    rows: Int32Array.from({ length: train }, (_, row) => row),
    async batch(rows) {
      const count = rows.length;
      const data = new Float32Array(count * views.length * views[0]!.dim);
      for (const [i, view] of views.entries()) await view.gather(rows, data.subarray(i * count * view.dim));
      const features = matrixFeed(data, count * views.length);
      const own = Float32Array.from(rows, (row) => labels[row]!);
      const feeds: Record<string, Feed> = { features };
      if (kind === 'contrastive') feeds['pairs'] = matrixFeed(positivePairs(own), 2 * count);
      else {
        feeds['labels'] = matrixFeed(own, count);
        feeds['row_weights'] = matrixFeed(new Float32Array(count).fill(1 / count), count);
      }
      return feeds;
    },
    async validate() {
      epoch++;
      return { value: epoch, auroc: Number.NaN };
    },
  };
}

async function testAuroc(
  trainer: Trainer,
  parameters: Float32Array,
  features: ScaledFeatures,
  rows: Int32Array,
  labels: Uint8Array,
): Promise<number> {
  const data = new Float32Array(rows.length * features.dim);
  await features.gather(rows, data);
  const scores = await trainer.output(parameters, data, rows.length);
  return aurocOf(
    scores,
    Array.from(rows, (row) => labels[row]!),
    () => true,
  );
}
