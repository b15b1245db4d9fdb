import { PermanentTaskError } from '../../../jobs/worker.ts';
import { seededRandom, shuffle } from '../../../stats/index.ts';
import { graphSession } from '../graph-session.ts';
import { aurocOf } from '../linear/fit-path.ts';
import { parameterViews } from '../network/dense.ts';
import { positivePairs, supervisedContrastive } from '../network/losses.ts';
import { type NetworkTask, networkMethod } from '../network/network-method.ts';
import { nearest, scaledLayer, settingsFor } from '../network/settings.ts';
import { type Lesson, matrixFeed, Trainer } from '../network/training.ts';
import { whiteningOf } from './covariance.ts';
import { type Embedded, Neighbours } from './neighbours.ts';
import { contrastiveFile, type Reference, scoringGraph } from './scores.ts';

/** HalluLens's layers, in a model of 32 blocks: views are of these, scores of two of them. */
const VIEWS = { first: 14, last: 29 } as const;
const SCORED = [22, 26] as const;
/** Its learning rate is for features of this width; the best one of Adam goes with one over the width (Yang et al., 2022). */
const WIDTH = 4096;
const LEARNING_RATE = 1e-5;
/** Widths as shares of the input's: each stage halves, as from 4,096 to 512. */
const STAGES = [1 / 2, 1 / 4, 1 / 8] as const;
const LEAST_WIDTH = 8;
/** Truthful training examples that others are compared with, and rows that choose k among `neighbours`. */
const BANK = 5000;
const CALIBRATION = 2000;
/** The same while training, once an epoch. */
const QUICK_BANK = 1000;
const QUICK_ROWS = 500;
/** Rows that are embedded at once. */
const ROWS = 1024;

/**
 * Supervised contrastive learning (Khosla et al., 2020) with HalluLens's settings: the views of an example are its activations in two
 * layers; truthful examples attract each other, hallucinations only their own other view. What lies far from the truthful ones is
 * taken for a hallucination.
 */
export const contrastive = networkMethod({
  headline: 'knn',
  isLogOdds: false,

  units(wanted, present) {
    const last = present.at(-1) ?? 0;
    const middle = present.filter(
      (layer) => layer >= scaledLayer(VIEWS.first, last) && layer <= scaledLayer(VIEWS.last, last),
    );
    const layers = wanted ?? (middle.length > 1 ? middle : present.filter((layer) => layer > 0));
    if (layers.length > 1) return [[...layers]];
    const message = `the two views of an example are of two layers; there is only ${layers.join(', ') || 'the embedding'}`;
    throw new PermanentTaskError('TOO_FEW_LAYERS', message);
  },

  open({ contrastive: { hidden, width, inputDropout, temperature, baseTemperature }, threads }, dim) {
    const stages = STAGES.map((share) => Math.max(LEAST_WIDTH, Math.round(dim * share)));
    const widths = [dim, ...(hidden ?? stages), width ?? stages.at(-1)!];
    const dropout = widths.slice(1).map((_, layer) => (layer === 0 ? inputDropout : 0));
    return Trainer.open(
      { widths, dropout },
      supervisedContrastive({ temperature, baseTemperature }),
      threads,
    );
  },

  async fit(task: NetworkTask) {
    const { spec, trainer, labels, rows, run } = task;
    const { dim } = [...task.features.values()][0]!;
    const scored = scoredLayers(task);
    const width = trainer.network.widths.at(-1)!;
    const { learningRate = (LEARNING_RATE * WIDTH) / dim, gradientClip: clip } = spec.contrastive;
    const settings = settingsFor(spec.contrastive, rows.fit.length, { learningRate, clip });
    const neighbours = await Neighbours.open(width, spec.threads);
    try {
      const random = seededRandom(...run.seed, SAMPLES);
      const truthful = (of: readonly number[], most: number): number[] =>
        shuffle(
          of.filter((row) => labels[row] !== 1),
          random,
        ).slice(0, most);
      const quickBank = truthful(rows.fit, QUICK_BANK);
      const quickRows = shuffle([...rows.held], random).slice(0, QUICK_ROWS);
      const quickK = Math.max(1, Math.round(Math.sqrt(quickBank.length)));
      const embedded = async (parameters: Float32Array, of: readonly number[]): Promise<Embedded> => ({
        vectors: meanViews(await viewsOf(task, parameters, scored, of), scored.length, width),
        groups: of.map((row) => task.groups[row]!),
      });
      const labelsOf = (of: readonly number[]): number[] => of.map((row) => labels[row]!);
      const trained = await trainer.train(
        {
          rows: Int32Array.from(rows.fit),
          batch: pairedViews(task),
          async validate(parameters) {
            const bank = await embedded(parameters, quickBank);
            const [distances] = await neighbours.distances(await embedded(parameters, quickRows), bank, [
              quickK,
            ]);
            const auroc = aurocOf(distances!, labelsOf(quickRows), () => true);
            return { value: auroc, auroc };
          },
        },
        settings,
        run,
      );
      const { parameters, auroc, log, epoch } = trained;
      const bankRows = truthful(rows.train, BANK);
      const bank = await embedded(parameters, bankRows);
      const calibration = shuffle([...rows.train], random).slice(0, CALIBRATION);
      const { k, auroc: leaveOneOut } = await neighbours.bestK(
        await embedded(parameters, calibration),
        labelsOf(calibration),
        bank,
        ranks(spec.contrastive.neighbours, bankRows.length),
      );
      const reference = { bank: bank.vectors, k, ...whiteningOf(bank.vectors, width) };
      return {
        scores: await scoresOf(task, parameters, scored, reference),
        validation: auroc,
        told: { best_epoch: epoch, knn_k: k, knn_bank: bankRows.length, leave_one_out_auroc: leaveOneOut },
        settings,
        log,
        takes: scored,
        onnx: () =>
          contrastiveFile(
            scored.map((layer) => task.features.get(layer)!),
            parameterViews(trainer.network.widths, parameters),
            reference,
          ),
      };
    } finally {
      await neighbours.close();
    }
  },
});

/** Layers whose embeddings are scored. @throws PermanentTaskError for one that has no views */
function scoredLayers({ spec, features, depth }: NetworkTask): number[] {
  const views = [...features.keys()];
  if (views.length === 1) return views;
  const wanted = spec.contrastive.scoreLayers;
  const strange = wanted?.find((layer) => !views.includes(layer));
  if (strange !== undefined) {
    const message = `layer ${strange} is to be scored; expected one of the views' layers, ${views.join(', ')}`;
    throw new PermanentTaskError('NO_SUCH_LAYER', message);
  }
  if (wanted !== undefined) return [...new Set(wanted)].sort((a, b) => a - b);
  const first = nearest(scaledLayer(SCORED[0], depth), views);
  const others = views.filter((layer) => layer !== first);
  return [first, nearest(scaledLayer(SCORED[1], depth), others)].sort((a, b) => a - b);
}

/** The batches of a training: of every example the activations in two layers drawn at random, the second ones after the first. */
function pairedViews({ features, labels }: NetworkTask): Lesson['batch'] {
  const layers = [...features.values()];
  const { dim } = layers[0]!;
  return async (rows, random) => {
    const count = rows.length;
    const data = new Float32Array(2 * count * dim);
    const places: number[][] = layers.map(() => []);
    for (let i = 0; i < count; i++) {
      const one = random.below(layers.length);
      // With one layer only dropout tells the views apart.
      const other = layers.length === 1 ? one : (one + 1 + random.below(layers.length - 1)) % layers.length;
      places[one]!.push(i);
      places[other]!.push(count + i);
    }
    for (const [layer, own] of places.entries()) {
      const some = new Float32Array(own.length * dim);
      await layers[layer]!.gather(
        own.map((place) => rows[place % count]!),
        some,
      );
      own.forEach((place, i) => {
        data.set(some.subarray(i * dim, (i + 1) * dim), place * dim);
      });
    }
    const pairs = positivePairs(Uint8Array.from(rows, (row) => labels[row]!));
    return { features: matrixFeed(data, 2 * count), pairs: matrixFeed(pairs, 2 * count) };
  };
}

/** Embeddings at length 1: rows x scored layers x width. */
async function viewsOf(
  { trainer, features }: NetworkTask,
  parameters: Float32Array,
  scored: readonly number[],
  rows: readonly number[],
): Promise<Float32Array> {
  const { widths } = trainer.network;
  const [dim, width] = [widths[0]!, widths.at(-1)!];
  const views = new Float32Array(rows.length * scored.length * width);
  const buffer = new Float32Array(Math.min(ROWS, rows.length) * dim);
  for (const [view, layer] of scored.entries()) {
    for (let start = 0; start < rows.length; start += ROWS) {
      const some = rows.slice(start, start + ROWS);
      await features.get(layer)!.gather(some, buffer);
      const output = await trainer.output(parameters, buffer.subarray(0, some.length * dim), some.length);
      for (let i = 0; i < some.length; i++) {
        const own = output.subarray(i * width, (i + 1) * width);
        toUnit(own);
        views.set(own, ((start + i) * scored.length + view) * width);
      }
    }
  }
  return views;
}

/** The mean of each row's views, at length 1: rows x width. */
function meanViews(views: Float32Array, count: number, width: number): Float32Array {
  const means = new Float32Array(views.length / count);
  for (let at = 0; at < views.length; at++)
    means[Math.floor(at / (count * width)) * width + (at % width)]! += views[at]!;
  for (let at = 0; at < means.length; at += width) toUnit(means.subarray(at, at + width));
  return means;
}

function toUnit(vector: Float32Array): void {
  let square = 0;
  for (let j = 0; j < vector.length; j++) square += vector[j]! ** 2;
  const length = Math.sqrt(square) || 1;
  for (let j = 0; j < vector.length; j++) vector[j]! /= length;
}

/** Ranks of neighbours that leave a bank of that size at least half; the smallest or half of it where none does. */
function ranks(wanted: readonly number[], size: number): number[] {
  const fitting = wanted.filter((k) => k <= size / 2);
  return fitting.length > 0 ? fitting : [Math.max(1, Math.floor(size / 2))];
}

async function scoresOf(
  task: NetworkTask,
  parameters: Float32Array,
  scored: readonly number[],
  reference: Reference,
): Promise<Record<string, number[]>> {
  const { rows, trainer, spec } = task;
  const width = trainer.network.widths.at(-1)!;
  const names = ['knn', 'mahalanobis', ...(scored.length > 1 ? ['cosine'] : [])];
  const scores: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  const session = await graphSession(scoringGraph(scored.length, reference), spec.threads);
  try {
    for (let start = 0; start < rows.test.length; start += ROWS) {
      const some = rows.test.slice(start, start + ROWS);
      const data = await viewsOf(task, parameters, scored, some);
      const views = { type: 'float32', data, shape: [some.length, scored.length, width] } as const;
      const found = await session.run({ views }, names);
      for (const name of names) scores[name]!.push(...found.get(name)!.data);
    }
    return scores;
  } finally {
    await session.release();
  }
}

/** Key of the random numbers of this purpose. */
const SAMPLES = 3;
