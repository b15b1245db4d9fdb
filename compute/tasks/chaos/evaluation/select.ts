import { PythonRandom } from '../../python/random.ts';
import type { Item } from './item.ts';

/** Which items of a dataset are evaluated, and in which order. */
export interface Selection {
  /** Fewer items than the dataset has, drawn with `seed`. */
  readonly maxItems?: number | undefined;
  readonly seed: number;
  /** Undefined: in the order of the dataset, or of the draw. */
  readonly shuffleSeed?: number | undefined;
}

/** The items that the benchmark draws with these seeds. The benchmark shuffles twice, which is an oversight; here it is once. */
export function selectItems(
  items: readonly Item[],
  { maxItems, seed, shuffleSeed }: Selection,
): readonly Item[] {
  const drawn =
    maxItems !== undefined && maxItems < items.length
      ? new PythonRandom(seed).sample(items, maxItems)
      : [...items];
  if (shuffleSeed !== undefined) new PythonRandom(shuffleSeed).shuffle(drawn);
  return drawn;
}
