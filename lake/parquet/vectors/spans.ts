import type { StoredBatch } from './batch.ts';

/** Neighbouring rows of a batch that belong to one layer. */
export interface Span {
  readonly batch: StoredBatch;
  readonly layer: number;
  /** Rows of the batch: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/**
 * The rows of all batches in the order of a file: by layer, then by key; rows of one layer and key in the order in which
 * they came.
 */
export function spansInOrder(batches: readonly StoredBatch[]): Span[] {
  return batches
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .flatMap(spansOf)
    .sort((a, b) => a.layer - b.layer);
}

function spansOf(batch: StoredBatch): Span[] {
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
 * Cuts spans into row groups as they come. A group that is half full ends where its layer does: readers want one layer, and
 * unpack nothing of the next one then.
 */
export class RowGroups {
  readonly #most: GroupSize;
  #spans: Span[] = [];
  #rows = 0;
  #values = 0;

  constructor(most: GroupSize) {
    this.#most = most;
  }

  /** The groups that end with, or before, a span. */
  *add(span: Span): Generator<readonly Span[]> {
    const most = this.#most;
    const dim = Math.max(1, span.batch.dim);
    const isHalfFull = 2 * this.#rows >= most.rows || 2 * this.#values >= most.values;
    if (isHalfFull && this.#spans.at(-1)?.layer !== span.layer) yield* this.end();
    for (let start = span.start; start < span.end; ) {
      const room = Math.min(most.rows - this.#rows, Math.floor((most.values - this.#values) / dim));
      if (room < 1 && this.#rows > 0) {
        yield* this.end();
        continue;
      }
      const end = Math.min(span.end, start + Math.max(1, room));
      this.#spans.push({ ...span, start, end });
      this.#rows += end - start;
      this.#values += (end - start) * dim;
      start = end;
    }
  }

  /** The group that was not full, if it holds anything. */
  *end(): Generator<readonly Span[]> {
    if (this.#rows === 0) return;
    const spans = this.#spans;
    this.#spans = [];
    this.#rows = 0;
    this.#values = 0;
    yield spans;
  }
}
