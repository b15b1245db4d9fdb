/** Parameters in a model's name, in billions, with the experts of a mixture: `llama3.1:8b`, `mixtral:8x7b`, `phi3:3.8b`. */
const SIZE = /(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])/i;

/** The policy's table: models of at most so many billion parameters, and the workers for them. */
const TABLE: readonly { readonly upTo: number; readonly workers: number }[] = [
  { upTo: 8, workers: 4 },
  { upTo: Infinity, workers: 2 },
];

/** A model whose name tells no size. */
const UNKNOWN_SIZE = 1;

/**
 * Items that are asked at once, by the table of the runs policy: 4 for models of up to 8 billion parameters, 2 for larger
 * ones. The policy leaves out what lies between 8 and 13 and between 14 and 30 billion; the next larger size it names counts.
 */
export function workersFor(model: string): number {
  const size = SIZE.exec(model);
  if (size === null) return UNKNOWN_SIZE;
  const billions = Number(size[1] ?? 1) * Number(size[2]);
  return TABLE.find(({ upTo }) => billions <= upTo)?.workers ?? UNKNOWN_SIZE;
}
