import { z } from 'zod';
import type { ProbeExample } from '../examples.ts';
import { fitPath } from '../linear/fit-path.ts';
import type { Products } from '../linear/products.ts';
import { matrixOf } from '../matrix.ts';
import { rowsOf, type Split } from '../splits.ts';
import { lengthFeatures, tfIdfFeatures, wordTable } from './text-features.ts';

/** Words that TF-IDF may use. */
const MAX_WORDS = 1000;
/** What their features may take. */
const MAX_BYTES = 2 ** 30;

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
  path: readonly number[],
  products: Products,
  signal: AbortSignal,
): Promise<ControlScores> {
  const lengths = matrixOf(lengthFeatures(examples), 4);
  const byLength = await fitPath(lengths, labels, splits, products, signal, { path });
  const texts = wordTable(examples.map(({ prompt, response }) => `${prompt}\n${response}`));
  const maxWords = Math.max(1, Math.min(MAX_WORDS, Math.floor(MAX_BYTES / (4 * examples.length))));
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
