/** A prediction whose truth is known. */
export interface Scored {
  readonly score: number;
  readonly positive: boolean;
}

export interface RocPoint {
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
  readonly threshold: number;
}

/** The receiver operating characteristic: a point for each threshold at which it changes; equal scores fall together. */
export function rocCurve(scored: readonly Scored[]): RocPoint[] {
  const sorted = scored.toSorted((a, b) => b.score - a.score);
  const positives = sorted.filter(({ positive }) => positive).length;
  const negatives = sorted.length - positives;
  if (positives === 0 || negatives === 0) return [];
  const points: RocPoint[] = [
    { falsePositiveRate: 0, truePositiveRate: 0, threshold: Number.POSITIVE_INFINITY },
  ];
  let [hits, alarms] = [0, 0];
  sorted.forEach(({ score, positive }, i) => {
    if (positive) hits++;
    else alarms++;
    if (sorted[i + 1]?.score === score) return;
    points.push({
      falsePositiveRate: alarms / negatives,
      truePositiveRate: hits / positives,
      threshold: score,
    });
  });
  return points;
}

/** The area below a curve, by trapezoids. */
export function areaBelow(points: readonly RocPoint[]): number {
  let area = 0;
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before === undefined) continue;
    const width = point.falsePositiveRate - before.falsePositiveRate;
    area += (width * (point.truePositiveRate + before.truePositiveRate)) / 2;
  }
  return area;
}
