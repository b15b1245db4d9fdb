import type { JsonValue } from '../../../contracts/json-value.ts';
import {
  Complex,
  isList,
  ObjectArray,
  Opaque,
  type PickleValue,
  Tuple,
} from '../../../formats/pickle/values.ts';
import { Tensor } from '../../../formats/tensor/tensor.ts';

export type PickleDict = ReadonlyMap<PickleValue, PickleValue>;

/** Whether a value was a Python dict. */
export function isDict(value: PickleValue | undefined): value is PickleDict {
  return value instanceof Map;
}

/** A Python value as JSON: tuples and sets are lists, tensors and bytes are described, not copied. */
export function pickleToJson(value: PickleValue): JsonValue {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(pickleToJson);
  if (value instanceof Tuple) return value.items.map(pickleToJson);
  if (value instanceof Set) return [...(value as ReadonlySet<PickleValue>)].map(pickleToJson);
  if (isDict(value)) return dictToJson(value, new Set());
  if (value instanceof Uint8Array) return { bytes: value.length };
  if (value instanceof Complex) return { re: value.re, im: value.im };
  if (value instanceof ObjectArray) return value.items.map(pickleToJson);
  if (value instanceof Tensor) return { shape: [...value.shape], dtype: value.dtype };
  return value instanceof Opaque ? value.label : null;
}

/** The members of a dict as a JSON object, without those in `except`. */
export function dictToJson(dict: PickleDict, except: ReadonlySet<string>): { [key: string]: JsonValue } {
  const object: { [key: string]: JsonValue } = {};
  for (const [key, member] of dict) {
    const name =
      typeof key === 'string'
        ? key
        : JSON.stringify(pickleToJson(key), (_, v) => (typeof v === 'bigint' ? String(v) : v));
    if (!except.has(name)) object[name] = pickleToJson(member);
  }
  return object;
}
