/** The score by which heads and layers are ranked where a run does not say. */
export const DEFAULT_SCORE_KEY = 'mean_delta_p';

/** A place in the model. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** `layer` and `head` as one text, for maps. */
export function headKey({ layer, head }: HeadPlace): string {
  return `${layer},${head}`;
}

/**
 * Heads in rank order: score descending, then layer, then head ascending, so that ties have one order. Heads whose
 * score is absent or NaN have no rank and are left out.
 */
export function rankHeads<H extends HeadPlace>(
  heads: Iterable<H>,
  scoreOf: (head: H) => number | undefined,
): H[] {
  const scored: { readonly head: H; readonly score: number }[] = [];
  for (const head of heads) {
    const score = scoreOf(head);
    if (score !== undefined && !Number.isNaN(score)) scored.push({ head, score });
  }
  scored.sort((a, b) => {
    // Not a difference: that of two infinities is NaN.
    if (a.score !== b.score) return a.score > b.score ? -1 : 1;
    return a.head.layer - b.head.layer || a.head.head - b.head.head;
  });
  return scored.map(({ head }) => head);
}

/** The layer with the strictly greatest value, the first one of equals; undefined without values. */
export function bestLayer(values: Iterable<readonly [layer: number, value: number]>): number | undefined {
  let best: readonly [layer: number, value: number] | undefined;
  for (const entry of values) {
    if (!Number.isNaN(entry[1]) && (best === undefined || entry[1] > best[1])) best = entry;
  }
  return best?.[0];
}
