/*
 * Thrift's compact protocol, as much of it as Parquet's metadata needs. A value is a function that writes itself.
 */

interface Sink {
  push(byte: number): void;
}

/** A value with its type code in struct fields and lists. */
export interface ThriftValue {
  readonly type: number;
  write(out: Sink): void;
}

/** A field of a struct by its id; one without a value is left out. Ids ascend. */
export type ThriftField = readonly [id: number, value: ThriftValue | undefined];

function writeVarint(out: Sink, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

/** Zigzag: the sign goes into the lowest bit. */
function integer(type: number, value: number): ThriftValue {
  return { type, write: (out) => writeVarint(out, value < 0 ? -2 * value - 1 : 2 * value) };
}

export const i32 = (value: number): ThriftValue => integer(5, value);

/** @param value a safe integer */
export const i64 = (value: number): ThriftValue => integer(6, value);

/** Bytes with their length. */
export function binary(value: Uint8Array): ThriftValue {
  return {
    type: 8,
    write(out) {
      writeVarint(out, value.length);
      for (const byte of value) out.push(byte);
    },
  };
}

export const text = (value: string): ThriftValue => binary(Buffer.from(value, 'utf8'));

/** Values of one type. */
export function list(values: readonly ThriftValue[]): ThriftValue {
  return {
    type: 9,
    write(out) {
      const type = values[0]?.type ?? 0;
      if (values.length < 15) out.push((values.length << 4) | type);
      else {
        out.push(0xf0 | type);
        writeVarint(out, values.length);
      }
      for (const value of values) value.write(out);
    },
  };
}

/** Fields by id, in rising order; those without a value are left out. */
export function struct(...fields: readonly ThriftField[]): ThriftValue {
  return {
    type: 12,
    write(out) {
      let last = 0;
      for (const [id, value] of fields) {
        if (value === undefined) continue;
        // The ids of Parquet's structs are never more than 15 apart.
        out.push(((id - last) << 4) | value.type);
        value.write(out);
        last = id;
      }
      out.push(0);
    },
  };
}

/** The bytes of a value in Thrift's compact protocol. */
export function encodeThrift(value: ThriftValue): Uint8Array {
  const bytes: number[] = [];
  value.write(bytes);
  return Uint8Array.from(bytes);
}
