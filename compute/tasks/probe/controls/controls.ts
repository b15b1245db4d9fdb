import { z } from 'zod';
import { seededRandom, shuffle } from '../../../stats/index.ts';
import type { ProbeExample } from '../examples.ts';
import { assembleScores, rowsOf } from '../layer-fit.ts';
import { aurocOf, fitPath } from '../linear/fit-path.ts';
import { fitLogistic, logitsOf } from '../linear/logistic.ts';
import type { Products } from '../linear/products.ts';
import { type FeatureMatrix, matrixOf } from '../matrix.ts';
import type { Split } from '../splits.ts';
import { lengthFeatures, tfIdfFeatures, wordTable } from './text-features.ts';

/** Words that TF-IDF may use. */
const MAX_WORDS = 1000;

export const controlScoresSchema = z.object({
  /** Scores of the test rows of every split, by control. */
  scores: z.record(z.string(), z.array(z.array(z.number()))),
});

/** What is kept of the text controls of a seed. */
export type ControlScores = z.infer<typeof controlScoresSchema>;

/** Scores of all rows by what the texts alone say, fitted and tested on the same splits as the probe. */
export async function textControls(
  examples: readonly ProbeExample[],
  labels: Uint8Array,
  splits: readonly Split[],
  settings: { readonly path: readonly number[]; readonly memoryBytes: number },
  products: Products,
  signal: AbortSignal,
): Promise<ControlScores> {
  const { path, memoryBytes } = settings;
  const lengths = matrixOf(lengthFeatures(examples), 4);
  const byLength = await fitPath(lengths, labels, splits, products, signal, { path });
  const texts = wordTable(examples.map(({ prompt, response }) => `${prompt}\n${response}`));
  const maxWords = Math.max(1, Math.min(MAX_WORDS, Math.floor(memoryBytes / (4 * examples.length))));
  const byWords: number[][] = [];
  for (const split of splits) {
    const { features, words } = tfIdfFeatures(texts, split.train, maxWords);
    const tested = rowsOf(split.test);
    if (words.length === 0) {
      byWords.push(tested.map(() => 0));
      continue;
    }
    const matrix = matrixOf(features, words.length);
    const [fit] = await fitPath(matrix, labels, [split], products, signal, { path, standardise: false });
    byWords.push(tested.map((row) => fit!.scores[row]!));
  }
  return {
    scores: {
      length: byLength.map(({ scores }, i) => rowsOf(splits[i]!.test).map((row) => scores[row]!)),
      tfidf: byWords,
    },
  };
}

/**
 * AUROCs of probes that were taught shuffled labels, on the true labels of the test rows. Labels are shuffled within the training
 * rows of each split; what is far from 0.5 comes from the procedure, not from the activations.
 */
export async function shuffledLabels(
  features: FeatureMatrix,
  labels: Uint8Array,
  splits: readonly Split[],
  settings: { readonly c: readonly number[]; readonly shuffles: number; readonly seed: number },
  products: Products,
  signal: AbortSignal,
): Promise<number[]> {
  const regressions = Array.from({ length: settings.shuffles }, (_, turn) =>
    splits.map(({ train }, split) => {
      const rows = rowsOf(train);
      const order = shuffle([...rows], seededRandom(settings.seed, SHUFFLED, turn, split));
      const shuffled = Uint8Array.from(labels);
      rows.forEach((row, i) => {
        shuffled[row] = labels[order[i]!]!;
      });
      return { rows: train, labels: shuffled, c: settings.c[split]! };
    }),
  );
  const fits = await fitLogistic(features, regressions.flat(), products, signal);
  const scores = await logitsOf(
    features,
    fits.map(({ model }) => model),
    products,
    signal,
  );
  return regressions.map((_, turn) => {
    const own = assembleScores(labels.length, splits, (split) =>
      rowsOf(splits[split]!.test).map((row) => scores[turn * splits.length + split]![row]!),
    );
    return aurocOf(own, labels, (row) => !Number.isNaN(own[row]!));
  });
}

/** Key of the random numbers of this purpose. */
const SHUFFLED = 3;
