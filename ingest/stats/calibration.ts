/** One bin of a calibration curve. */
export interface CalibrationBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean score in the bin; NaN when it is empty. */
  readonly meanScore: number;
  /** Share of positives in the bin; NaN when it is empty. */
  readonly meanLabel: number;
}

export const ECE_BINS = 15;

/**
 * Bins of equal width on [0, 1], left-closed (the last one closed), of scores clipped to [0, 1] and read as
 * P(positive).
 */
export function calibrationCurve(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  bins: number = ECE_BINS,
): CalibrationBin[] {
  const width = 1 / bins;
  const count = new Float64Array(bins);
  const scoreSum = new Float64Array(bins);
  const labelSum = new Float64Array(bins);
  for (let i = 0; i < labels.length; i++) {
    const score = Math.min(1, Math.max(0, scores[i]!));
    // Edges are k * width in floating point, so a score that equals an edge goes to the right of it.
    let bin = Math.min(bins - 1, Math.floor(score * bins));
    if (bin > 0 && score < bin * width) bin--;
    else if (bin < bins - 1 && score >= (bin + 1) * width) bin++;
    count[bin]!++;
    scoreSum[bin]! += score;
    labelSum[bin]! += labels[i]!;
  }
  return Array.from(count, (n, bin) => ({
    low: bin * width,
    high: bin === bins - 1 ? 1 : (bin + 1) * width,
    count: n,
    meanScore: scoreSum[bin]! / n,
    meanLabel: labelSum[bin]! / n,
  }));
}

/** Expected calibration error: sum over bins of (share of rows) x |mean score - mean label|; NaN without rows. */
export function expectedCalibrationError(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  bins: number = ECE_BINS,
): number {
  if (labels.length === 0) return Number.NaN;
  let sum = 0;
  for (const bin of calibrationCurve(scores, labels, bins)) {
    if (bin.count > 0) sum += (bin.count / labels.length) * Math.abs(bin.meanScore - bin.meanLabel);
  }
  return sum;
}
