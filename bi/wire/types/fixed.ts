import type { NumbersOf, Vector } from '../../../lake/engine/vector.ts';
import { pgType } from '../../catalog/pg-types.ts';
import type { Codec, ValueWriter } from './codec.ts';
import { writeInteger } from './digits.ts';
import { writeFloat4, writeFloat8 } from './numbers.ts';

const [TRUE, FALSE] = [0x74, 0x66];

export const BOOL: Codec = {
  type: pgType('bool'),
  modifier: -1,
  text(vector) {
    const values = vector.numbers(Uint8Array);
    return (row, out) => out.uint8(values[row] === 0 ? FALSE : TRUE);
  },
  binary(vector) {
    const values = vector.numbers(Uint8Array);
    return (row, out) => out.uint8(values[row] === 0 ? 0 : 1);
  },
};

type Numbers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

const BINARY: Readonly<Record<2 | 4 | 8, (values: Numbers) => ValueWriter>> = {
  2: (values) => (row, out) => out.int16(values[row]!),
  4: (values) => (row, out) => out.int32(values[row]!),
  8: (values) => (row, out) => {
    out.int32(values[row]! < 0 ? -1 : 0);
    out.int32(values[row]!);
  },
};

/** Integers of up to 32 bits, as a type of PostgreSQL that has room for them. */
export function integer(name: 'int2' | 'int4' | 'int8' | 'oid', Memory: NumbersOf<Numbers>): Codec {
  const type = pgType(name);
  const binary = BINARY[name === 'int2' ? 2 : name === 'int8' ? 8 : 4];
  return {
    type,
    modifier: -1,
    text(vector) {
      const values = vector.numbers(Memory);
      return (row, out) => writeInteger(out, values[row]!);
    },
    binary: (vector) => binary(vector.numbers(Memory)),
  };
}

/** Two words a value, the lower first, as processors have it. */
const words = (vector: Vector): Int32Array => vector.numbers(Int32Array, 2);

export const INT8: Codec = {
  type: pgType('int8'),
  modifier: -1,
  text(vector) {
    const values = words(vector);
    return (row, out) => {
      const [low, high] = [values[row * 2]!, values[row * 2 + 1]!];
      const value = high * 2 ** 32 + (low >>> 0);
      if (Number.isSafeInteger(value)) writeInteger(out, value);
      else out.text(String((BigInt(high) << 32n) | BigInt(low >>> 0)));
    };
  },
  binary(vector) {
    const values = words(vector);
    return (row, out) => {
      out.int32(values[row * 2 + 1]!);
      out.int32(values[row * 2]!);
    };
  },
};

export const FLOAT4: Codec = {
  type: pgType('float4'),
  modifier: -1,
  text(vector) {
    const values = vector.numbers(Float32Array);
    return (row, out) => writeFloat4(out, values[row]!);
  },
  binary(vector) {
    const values = vector.numbers(Float32Array);
    return (row, out) => out.float32(values[row]!);
  },
};

export const FLOAT8: Codec = {
  type: pgType('float8'),
  modifier: -1,
  text(vector) {
    const values = vector.numbers(Float64Array);
    return (row, out) => writeFloat8(out, values[row]!);
  },
  binary(vector) {
    const values = vector.numbers(Float64Array);
    return (row, out) => out.float64(values[row]!);
  },
};
