import type { Tensor } from '../tensor/tensor.ts';

/** A Python tuple; lists are plain arrays. */
export class Tuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A Python complex number. */
export class Complex {
  readonly re: number;
  readonly im: number;
  constructor(re: number, im: number) {
    this.re = re;
    this.im = im;
  }
}

/** A numpy array of strings or of arbitrary (allowed) Python objects, in C order. */
export class ObjectArray {
  readonly shape: readonly number[];
  readonly items: readonly PickleValue[];
  constructor(shape: readonly number[], items: readonly PickleValue[]) {
    this.shape = shape;
    this.items = items;
  }
}

/** A value of a library's own: a dtype, a device, a storage. Consumers compare with `instanceof`. */
export abstract class Opaque {
  /** How the value is shown in messages. */
  abstract readonly label: string;
}

/**
 * An allowed Python value. dict is `Map` (keys of any hashable type, in insertion order), set and frozenset are
 * `Set`, bytes and bytearray are views of the input, int is number up to 2^53 and bigint beyond.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleValue[]
  | Tuple
  | Complex
  | ObjectArray
  | Tensor
  | Opaque
  | ReadonlyMap<PickleValue, PickleValue>
  | ReadonlySet<PickleValue>;

/** Whether a value was a Python list. */
export function isList(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value);
}
