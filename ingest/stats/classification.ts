/** Counts of a thresholded binary classifier; the positive class is "hallucinated". */
export interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
}

/** Counts agreement of `predictions` and `labels` (1 positive, 0 negative), element by element. */
export function confusion(predictions: ArrayLike<number>, labels: ArrayLike<number>): Confusion {
  let tp = 0;
  let fp = 0;
  let tn = 0;
  let fn = 0;
  for (let i = 0; i < labels.length; i++) {
    if (predictions[i] === 1) {
      if (labels[i] === 1) tp++;
      else fp++;
    } else if (labels[i] === 1) fn++;
    else tn++;
  }
  return { tp, fp, tn, fn };
}

/** Share of correct predictions; NaN without rows. */
export function accuracy({ tp, fp, tn, fn }: Confusion): number {
  return (tp + tn) / (tp + fp + tn + fn);
}

/** Harmonic mean of precision and recall of the positive class; 0 where both are undefined or zero. */
export function f1({ tp, fp, fn }: Confusion): number {
  return tp === 0 ? 0 : (2 * tp) / (2 * tp + fp + fn);
}
