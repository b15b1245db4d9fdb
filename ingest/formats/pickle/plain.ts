import { FormatError } from '../errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { Complex, isList, ObjectArray, Opaque, type PickleValue, Tuple } from './values.ts';

/** The shape zod schemas expect: dicts are objects, tuples and sets are arrays. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Tensor
  | Complex
  | Opaque
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/**
 * Turns containers into plain arrays and objects; tensors, bytes and bigints stay. int, bool and null keys become
 * their text.
 * @throws FormatError `UNSUPPORTED` for keys of another type and for two keys with the same text
 */
export function toPlain(value: PickleValue): PlainValue {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Tensor || value instanceof Opaque || value instanceof Complex) return value;
  if (isList(value)) return value.map(toPlain);
  if (value instanceof Tuple) return value.items.map(toPlain);
  if (value instanceof ObjectArray) {
    return { shape: value.shape, items: value.items.map(toPlain) };
  }
  if (value instanceof Map) return plainObject(value);
  return Array.from(value as ReadonlySet<PickleValue>, toPlain);
}

function plainObject(map: ReadonlyMap<PickleValue, PickleValue>): { readonly [key: string]: PlainValue } {
  const entries: [string, PlainValue][] = [];
  for (const [key, value] of map) {
    if (typeof key === 'object' && key !== null) {
      throw new FormatError('UNSUPPORTED', 'a dict has keys that are no text', {
        expected: 'str or int keys',
      });
    }
    entries.push([String(key), toPlain(value)]);
  }
  // fromEntries defines own properties, so a key "__proto__" is only a key.
  const object = Object.fromEntries(entries);
  if (Object.keys(object).length !== map.size) {
    throw new FormatError('UNSUPPORTED', 'a dict has two keys with the same text, e.g. 1 and "1"');
  }
  return object;
}
