/**
 * Scores split by label and sorted: every rank metric is one merge over the two arrays.
 * Rows whose score is NaN must have been dropped before.
 */
export interface RankedScores {
  /** Scores of positive (hallucinated) examples, ascending. */
  readonly positives: Float64Array;
  /** Scores of negative examples, ascending. */
  readonly negatives: Float64Array;
}

/** Splits and sorts `scores` by `labels` (1 positive, 0 negative), element by element. */
export function rankScores(scores: ArrayLike<number>, labels: ArrayLike<number>): RankedScores {
  let nPositive = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === 1) nPositive++;
  const positives = new Float64Array(nPositive);
  const negatives = new Float64Array(labels.length - nPositive);
  let p = 0;
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) positives[p++] = scores[i]!;
    else negatives[n++] = scores[i]!;
  }
  positives.sort();
  negatives.sort();
  return { positives, negatives };
}

/**
 * Walks the distinct scores from the highest down; `visit` gets how many positives and negatives score at
 * least that high.
 */
export function eachThreshold(ranked: RankedScores, visit: (tp: number, fp: number) => void): void {
  const { positives, negatives } = ranked;
  let p = positives.length;
  let n = negatives.length;
  while (p > 0 || n > 0) {
    const threshold = Math.max(p > 0 ? positives[p - 1]! : -Infinity, n > 0 ? negatives[n - 1]! : -Infinity);
    while (p > 0 && positives[p - 1]! === threshold) p--;
    while (n > 0 && negatives[n - 1]! === threshold) n--;
    visit(positives.length - p, negatives.length - n);
  }
}

/**
 * Area under the ROC curve = P(positive scores higher) + P(tie) / 2 (Mann-Whitney U).
 * NaN when one class is absent.
 */
export function auroc(ranked: RankedScores): number {
  const nPositive = ranked.positives.length;
  const nNegative = ranked.negatives.length;
  if (nPositive === 0 || nNegative === 0) return Number.NaN;
  let twiceU = 0;
  let previousTp = 0;
  let previousFp = 0;
  eachThreshold(ranked, (tp, fp) => {
    // Negatives at this score lose against the positives above it and tie with those at it.
    twiceU += (fp - previousFp) * (previousTp + tp);
    previousTp = tp;
    previousFp = fp;
  });
  return twiceU / 2 / nPositive / nNegative;
}

/**
 * Average precision: sum over thresholds of (recall step x precision), without interpolation.
 * NaN without positives.
 */
export function averagePrecision(ranked: RankedScores): number {
  const nPositive = ranked.positives.length;
  if (nPositive === 0) return Number.NaN;
  let sum = 0;
  let previousTp = 0;
  eachThreshold(ranked, (tp, fp) => {
    sum += ((tp - previousTp) / nPositive) * (tp / (tp + fp));
    previousTp = tp;
  });
  return sum;
}

/**
 * False-positive rate where the true-positive rate reaches `target`, linear between the points of the ROC
 * curve; where the curve is flat at `target`, the largest rate. NaN when one class is absent.
 */
export function fprAtTpr(ranked: RankedScores, target: number): number {
  const nPositive = ranked.positives.length;
  const nNegative = ranked.negatives.length;
  if (nPositive === 0 || nNegative === 0) return Number.NaN;
  let lowTpr = 0;
  let lowFpr = 0;
  let found: number | undefined;
  eachThreshold(ranked, (tp, fp) => {
    if (found !== undefined) return;
    const tpr = tp / nPositive;
    const fpr = fp / nNegative;
    if (tpr > target) {
      found = ((fpr - lowFpr) / (tpr - lowTpr)) * (target - lowTpr) + lowFpr;
    } else {
      lowTpr = tpr;
      lowFpr = fpr;
    }
  });
  return found ?? lowFpr;
}
