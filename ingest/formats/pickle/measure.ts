import { corrupt, overLimit } from './errors.ts';
import { ObjectArray, type PickleValue, Tuple } from './values.ts';

interface Measure {
  /** Values in the tree that a recursive reader would visit. */
  readonly size: number;
  readonly height: number;
}

/**
 * Refuses what would break a recursive reader: cycles, nesting deeper than `maxDepth`, and lists that repeat each
 * other so often that walking them visits more than `maxSize` values (a few bytes can double a list 60 times).
 * Every container is looked at once.
 */
export function checkMeasure(root: PickleValue, maxDepth: number, maxSize: number): void {
  const done = new Map<object, Measure>();
  const open = new Set<object>();

  function all(items: Iterable<PickleValue>, count: number, depth: number): Measure {
    let size = 1 + count;
    let height = 1;
    for (const item of items) {
      if (typeof item !== 'object' || item === null || item instanceof Uint8Array) continue;
      const part = measure(item, depth + 1);
      size += part.size;
      height = Math.max(height, part.height + 1);
    }
    if (size > maxSize) throw overLimit(`the value unfolds to more than ${maxSize} items`);
    if (depth + height > maxDepth) throw overLimit(`containers nested deeper than ${maxDepth}`);
    return { size, height };
  }

  function measure(value: object, depth: number): Measure {
    const known = done.get(value);
    if (known !== undefined) {
      if (depth + known.height > maxDepth) throw overLimit(`containers nested deeper than ${maxDepth}`);
      return known;
    }
    const children = childrenOf(value);
    if (children === undefined) return { size: 1, height: 0 };
    if (depth > maxDepth) throw overLimit(`containers nested deeper than ${maxDepth}`);
    if (open.has(value)) throw corrupt('a container holds itself', 0);
    open.add(value);
    const result = all(children.items, children.count, depth);
    open.delete(value);
    done.set(value, result);
    return result;
  }

  if (typeof root === 'object' && root !== null) measure(root, 0);
}

function childrenOf(value: object): { items: Iterable<PickleValue>; count: number } | undefined {
  if (Array.isArray(value)) return { items: value, count: value.length };
  if (value instanceof Tuple || value instanceof ObjectArray) {
    return { items: value.items, count: value.items.length };
  }
  if (value instanceof Set) return { items: value, count: value.size };
  if (value instanceof Map) return { items: entries(value), count: value.size * 2 };
  return undefined;
}

function* entries(map: ReadonlyMap<PickleValue, PickleValue>): Generator<PickleValue> {
  for (const [key, value] of map) {
    yield key;
    yield value;
  }
}
