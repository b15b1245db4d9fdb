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

/** What a row group holds at most. */
export interface GroupSize {
  readonly rows: number;
  /** Numbers in its vectors; a longer vector has a row group to itself. */
  readonly values: number;
}

/**
 * Cuts spans into row groups. One that is half full ends where its layer does: readers want one layer, and unpack nothing of
 * the next one then.
 */
export function* rowGroups(spans: readonly Span[], most: GroupSize): Generator<Span[]> {
  let group: Span[] = [];
  let rows = 0;
  let values = 0;
  for (const span of spans) {
    const dim = Math.max(1, span.batch.dim);
    const isHalfFull = 2 * rows >= most.rows || 2 * values >= most.values;
    let ends = isHalfFull && group.at(-1)?.layer !== span.layer;
    for (let start = span.start; start < span.end; ) {
      const room = Math.min(most.rows - rows, Math.floor((most.values - values) / dim));
      if (ends || (room < 1 && group.length > 0)) {
        yield group;
        [group, rows, values, ends] = [[], 0, 0, false];
        continue;
      }
      const end = Math.min(span.end, start + Math.max(1, room));
      group.push({ ...span, start, end });
      rows += end - start;
      values += (end - start) * dim;
      start = end;
    }
  }
  if (group.length > 0) yield group;
}
