import { auroc, mean, rankScores } from '../../../../ingest/stats/index.ts';
import type { FeatureMatrix } from '../matrix.ts';
import { mask, NOT_IN_A_FOLD, type Split } from '../splits.ts';
import { fitLogistic, type LinearModel, type LogisticFit, logitsOf, type Regression } from './logistic.ts';
import type { Products } from './products.ts';

/** A logistic regression whose penalty was chosen on its training rows alone. */
export interface PathFit {
  readonly model: LinearModel;
  /** The chosen inverse strength of the penalty. */
  readonly c: number;
  /** Mean AUROC over the inner folds, of each C on the path; NaN when nothing was to be chosen. */
  readonly validation: readonly number[];
  /** Log odds of all rows, those of the training included. */
  readonly scores: Float64Array;
  readonly losses: readonly number[];
  readonly converged: boolean;
}

export interface PathOptions {
  readonly path: readonly number[];
  readonly standardise?: boolean;
  /** Validate even where the path has a single C. */
  readonly validate?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Fits one regression a split: every C of the path is tried by cross-validation within the training rows, the best mean AUROC wins
 * (the stronger penalty of equals), and the regression is fitted anew on all training rows. All of it in two batches.
 */
export async function fitPath(
  features: FeatureMatrix,
  labels: Uint8Array,
  splits: readonly Split[],
  products: Products,
  signal: AbortSignal,
  options: PathOptions,
): Promise<PathFit[]> {
  const path = [...options.path].sort((a, b) => a - b);
  const isChosen = path.length > 1 || options.validate === true;
  const trials = isChosen ? splits.flatMap((split, at) => trialsOf(split, at, labels, path)) : [];
  const total = trials.length + splits.length;
  const fitAll = (regressions: readonly Regression[], before: number): Promise<LogisticFit[]> =>
    fitLogistic(features, regressions, products, signal, {
      ...(options.standardise !== undefined && { standardise: options.standardise }),
      onPass: (finished) => options.onProgress?.(before + finished, total),
    });
  const tried = await fitAll(
    trials.map(({ regression }) => regression),
    0,
  );
  const scores = await logitsOf(
    features,
    tried.map(({ model }) => model),
    products,
    signal,
  );
  const reached = trials.map(({ regression, held }, i) =>
    aurocOf(scores[i]!, labels, (row) => held[row] === 1 && regression.rows[row] !== 1),
  );
  const validations = splits.map((_, split) =>
    path.map((c) => {
      const found = trials.flatMap((trial, i) =>
        trial.split === split && trial.regression.c === c && !Number.isNaN(reached[i]!) ? [reached[i]!] : [],
      );
      return mean(found);
    }),
  );
  const chosen = validations.map((validation) => path[indexOfBest(validation)]!);
  const fits = await fitAll(
    splits.map(({ train }, i) => ({ rows: train, labels, c: chosen[i]! })),
    trials.length,
  );
  const final = await logitsOf(
    features,
    fits.map(({ model }) => model),
    products,
    signal,
  );
  return fits.map((one, i) => ({
    ...one,
    c: chosen[i]!,
    validation: validations[i]!,
    scores: final[i]!,
  }));
}

interface Trial {
  readonly split: number;
  readonly regression: Regression;
  /** 1 for the rows of the inner fold it is judged on. */
  readonly held: Uint8Array;
}

function trialsOf({ inner }: Split, split: number, labels: Uint8Array, path: readonly number[]): Trial[] {
  const count = inner.reduce((most, fold) => (fold === NOT_IN_A_FOLD ? most : Math.max(most, fold + 1)), 0);
  return Array.from({ length: count }, (_, fold) => {
    const held = mask(inner.length, (row) => inner[row] === fold);
    const rows = mask(inner.length, (row) => inner[row] !== fold && inner[row] !== NOT_IN_A_FOLD);
    return path.map((c) => ({ split, regression: { rows, labels, c }, held }));
  }).flat();
}

/** AUROC of the rows that count; NaN when a class is absent. */
export function aurocOf(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  counts: (row: number) => boolean,
): number {
  const rows = Array.from({ length: labels.length }, (_, row) => row).filter(counts);
  return auroc(
    rankScores(
      rows.map((row) => scores[row]!),
      rows.map((row) => labels[row]!),
    ),
  );
}

/** Place of the largest number, the first of equals; 0 when none is a number. */
export function indexOfBest(values: readonly number[]): number {
  let best = 0;
  values.forEach((value, i) => {
    if (value > values[best]! || (Number.isNaN(values[best]!) && !Number.isNaN(value))) best = i;
  });
  return best;
}
