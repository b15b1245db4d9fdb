/** Examples in the order of their scores, so that a metric of any reweighting of them takes one walk. */
export interface Ranking {
  /** Row numbers by falling score. */
  readonly order: Int32Array;
  /** 1 where a positive (hallucinated) example stands. */
  readonly positive: Uint8Array;
  /** 1 where the last of several equal scores stands. */
  readonly endsTie: Uint8Array;
}

/** Ranks `scores` with `labels` (1 positive, 0 negative), element by element. */
export function rankingOf(scores: ArrayLike<number>, labels: ArrayLike<number>): Ranking {
  const values = Float64Array.from(scores);
  const order = Int32Array.from(values, (_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
  const positive = Uint8Array.from(order, (row) => (labels[row] === 1 ? 1 : 0));
  const endsTie = Uint8Array.from(order, (row, i) => {
    const next = order[i + 1];
    return next === undefined || values[next] !== values[row] ? 1 : 0;
  });
  return { order, positive, endsTie };
}

/** A metric of ranked examples of which row i counts `weights[i]` times; NaN where it is undefined. */
export type RankMetric = (ranking: Ranking, weights: Uint32Array) => number;

/** P(positive scores higher) + P(tie) / 2; NaN when a class is absent. */
export const weightedAuroc: RankMetric = ({ order, positive, endsTie }, weights) => {
  let positives = 0;
  let negatives = 0;
  let tiedPositives = 0;
  let tied = 0;
  let twiceU = 0;
  for (let i = 0; i < order.length; i++) {
    const weight = weights[order[i]!]!;
    // A product where an `if` would be mispredicted every other time.
    tiedPositives += weight * positive[i]!;
    tied += weight;
    if (endsTie[i] === 0) continue;
    const tiedNegatives = tied - tiedPositives;
    twiceU += tiedNegatives * (2 * positives + tiedPositives);
    positives += tiedPositives;
    negatives += tiedNegatives;
    tiedPositives = 0;
    tied = 0;
  }
  return twiceU / 2 / positives / negatives;
};

/** Sum over thresholds of (recall step x precision); NaN without positives. */
export const weightedAveragePrecision: RankMetric = ({ order, positive, endsTie }, weights) => {
  let positives = 0;
  let all = 0;
  let tiedPositives = 0;
  let sum = 0;
  for (let i = 0; i < order.length; i++) {
    const weight = weights[order[i]!]!;
    tiedPositives += weight * positive[i]!;
    all += weight;
    if (endsTie[i] === 0) continue;
    positives += tiedPositives;
    if (tiedPositives > 0) sum += tiedPositives * (positives / all);
    tiedPositives = 0;
  }
  return sum / positives;
};
