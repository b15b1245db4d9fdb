import type { VectorBatch } from './batch.ts';

/** Neighbouring rows of a batch that belong to one layer. */
export interface Span {
  readonly batch: VectorBatch;
  readonly layer: number;
  /** Rows of the batch: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/**
 * The rows of all batches in the order of a file: by layer, then by key; rows of one layer and key in the order in which
 * they came.
 */
export function spansInOrder(batches: readonly VectorBatch[]): Span[] {
  return batches
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .flatMap(spansOf)
    .sort((a, b) => a.layer - b.layer);
}

function spansOf(batch: VectorBatch): Span[] {
  const spans: Span[] = [];
  for (let start = 0, end = 0; start < batch.rows; start = end) {
    const layer = batch.layer[start]!;
    while (end < batch.rows && batch.layer[end] === layer) end += 1;
    spans.push({ batch, layer, start, end });
  }
  return spans;
}

/** Cuts spans into groups of `rows` rows, but for the last. */
export function* rowGroups(spans: readonly Span[], rows: number): Generator<Span[]> {
  let group: Span[] = [];
  let room = rows;
  for (const span of spans) {
    for (let start = span.start; start < span.end; ) {
      const end = Math.min(span.end, start + room);
      group.push({ ...span, start, end });
      room -= end - start;
      start = end;
      if (room > 0) continue;
      yield group;
      group = [];
      room = rows;
    }
  }
  if (group.length > 0) yield group;
}
