import { z } from 'zod';
import { fitPath, type PathOptions } from './linear/fit-path.ts';
import type { Products } from './linear/products.ts';
import type { FeatureMatrix } from './matrix.ts';
import type { Split } from './splits.ts';

const numbers = z.array(z.number());

/** What is kept of the probes of one layer and seed, so that a job that goes on elsewhere need not fit them again. */
export const layerFitSchema = z.object({
  layer: z.int(),
  seed: z.int(),
  /** Chosen penalty of every split. */
  c: numbers,
  /** AUROC that it reached on inner folds of the training rows, by split; null when nothing was validated. */
  validation: z.array(z.number().nullable()),
  /** Log odds of the test rows of every split, in the order of the rows. */
  scores: z.array(numbers),
  /** The probe that is kept: of raw activations. */
  weights: numbers,
  bias: z.number(),
  /** Mean loss and penalty of its fit, by iteration. */
  losses: numbers,
  converged: z.boolean(),
  finishedAt: z.string(),
});

export type LayerFit = z.infer<typeof layerFitSchema>;

/**
 * Fits the probes of a layer for one seed.
 * @param splits the last one is that of the probe that is kept; its test rows may be none
 */
export async function fitLayer(
  features: FeatureMatrix,
  labels: Uint8Array,
  splits: readonly Split[],
  place: { readonly layer: number; readonly seed: number },
  settings: PathOptions,
  products: Products,
  signal: AbortSignal,
): Promise<LayerFit> {
  const fits = await fitPath(features, labels, splits, products, signal, settings);
  const kept = fits.at(-1)!;
  return {
    ...place,
    c: fits.map(({ c }) => c),
    validation: fits.map(({ validation }) => {
      const best = Math.max(...validation.filter((value) => !Number.isNaN(value)));
      return Number.isFinite(best) ? best : null;
    }),
    scores: fits.map(({ scores }, i) => rowsOf(splits[i]!.test).map((row) => scores[row]!)),
    weights: [...kept.model.weights],
    bias: kept.model.bias,
    losses: [...kept.losses],
    converged: kept.converged,
    finishedAt: new Date().toISOString(),
  };
}

/** Numbers of the rows that a mask has. */
export function rowsOf(mask: Uint8Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < mask.length; row++) if (mask[row] === 1) rows.push(row);
  return rows;
}

/** Scores of all rows, put together from those of the test rows of every split; NaN for rows that no split tests. */
export function assembleScores(
  rows: number,
  splits: readonly Split[],
  scoresOf: (split: number) => readonly number[],
): Float64Array {
  const all = new Float64Array(rows).fill(Number.NaN);
  splits.forEach(({ test }, split) => {
    const scores = scoresOf(split);
    rowsOf(test).forEach((row, i) => {
      all[row] = scores[i]!;
    });
  });
  return all;
}
