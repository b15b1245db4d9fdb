import duckdb from '@duckdb/node-bindings';
import { BufferType, Data, type DataType } from 'apache-arrow';
import { TextVector } from '../../engine/text-vector.ts';
import { isSet, validityOf } from '../../engine/validity.ts';
import { ExportError } from '../errors.ts';
import { Bits, Pieces, Validity } from './buffers.ts';

/** Adds the rows `[from, to)` of the vector that it was made for. */
export type Append = (from: number, to: number) => void;

/**
 * Collects the values of an Arrow column from DuckDB's vectors, in Arrow's layout. Numbers move as memory; only
 * booleans, short texts and decimals that must be widened are touched value by value. Under a null DuckDB leaves whatever its
 * memory held; here are zeros, so that nobody is sent what is not his, and the same values are the same bytes.
 */
export interface Encoder {
  readonly type: DataType;
  /**
   * @param size values in the vector
   * @param around the validity of the struct that each value is in: where that is null, the value is
   */
  bind(vector: duckdb.Vector, size: number, around?: Uint8Array | null): Append;
  /** Adds the items of an array that is null. */
  blank(count: number): void;
  readonly byteLength: number;
  /** What was collected; nothing is left. */
  take(): Data;
}

/** A column of Arrow; the bitmap of its nulls only where there are any. */
function columnOf(
  type: DataType,
  valid: Validity,
  { offsets, values }: { offsets?: Int32Array; values?: unknown },
  children: Data[] = [],
): Data {
  const { length, nullCount, bitmap } = valid.take();
  return new Data(
    type,
    0,
    length,
    nullCount,
    {
      ...(offsets && { [BufferType.OFFSET]: offsets }),
      ...(values !== undefined && { [BufferType.DATA]: values }),
      ...(bitmap && { [BufferType.VALIDITY]: bitmap }),
    },
    children,
  );
}

/** Which values of a vector are not null, nor in a struct that is. */
function validityWithin(
  vector: duckdb.Vector,
  size: number,
  around: Uint8Array | null = null,
): Uint8Array | null {
  const own = validityOf(vector, size);
  if (own === null || around === null) return own ?? around;
  return own.map((byte, i) => byte & around[i]!);
}

/** A copy of the values of the rows `[from, to)` in which nulls are zeros. */
function withoutNulls(
  values: Uint8Array,
  itemBytes: number,
  bits: Uint8Array,
  from: number,
  to: number,
): Uint8Array {
  const copy = values.slice();
  for (let row = from; row < to; row++) {
    if (isSet(bits, row)) continue;
    const end = (row - from + 1) * itemBytes;
    for (let i = end - itemBytes; i < end; i++) copy[i] = 0;
  }
  return copy;
}

/** Values of one width, laid out alike on both sides. */
export function fixedWidth(type: DataType, itemBytes: number): Encoder {
  const widths = { itemBytes, arrowBytes: itemBytes };
  return flat(type, widths, (data, from, to) => data.subarray(from * itemBytes, to * itemBytes));
}

/** A narrow decimal of DuckDB as Arrow's 128 bits. */
export function widenedDecimal(type: DataType, itemBytes: 2 | 4 | 8): Encoder {
  const words = itemBytes === 8 ? 2 : 1;
  return flat(type, { itemBytes, arrowBytes: 16 }, (data, from, to) => {
    const { buffer, byteOffset } = data;
    const items =
      itemBytes === 2
        ? new Int16Array(buffer, byteOffset, data.byteLength / 2)
        : new Int32Array(buffer, byteOffset, data.byteLength / 4);
    const wide = new Int32Array((to - from) * 4);
    for (let row = from; row < to; row++) {
      const target = (row - from) * 4;
      for (let w = 0; w < words; w++) wide[target + w] = items[row * words + w]!;
      // The sign fills the rest.
      wide.fill(wide[target + words - 1]! >> 31, target + words, target + 4);
    }
    return new Uint8Array(wide.buffer);
  });
}

function flat(
  type: DataType,
  { itemBytes, arrowBytes }: { readonly itemBytes: number; readonly arrowBytes: number },
  convert: (data: Uint8Array, from: number, to: number) => Uint8Array,
): Encoder {
  const valid = new Validity();
  const pieces = new Pieces();
  return {
    type,
    get byteLength() {
      return pieces.byteLength;
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const data = duckdb.vector_get_data(vector, size * itemBytes);
      return (from, to) => {
        valid.append(bits, from, to);
        const values = convert(data, from, to);
        pieces.push(bits === null ? values : withoutNulls(values, arrowBytes, bits, from, to));
      };
    },
    blank(count) {
      valid.appendOnes(count);
      pieces.push(new Uint8Array(count * arrowBytes));
    },
    take() {
      const bytes = pieces.take();
      const { BYTES_PER_ELEMENT: width } = type.ArrayType;
      const values = new type.ArrayType(bytes.buffer, bytes.byteOffset, bytes.byteLength / width);
      return columnOf(type, valid, { values });
    },
  };
}

export function booleans(type: DataType): Encoder {
  const valid = new Validity();
  const values = new Bits();
  return {
    type,
    get byteLength() {
      return values.length >> 3;
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const data = duckdb.vector_get_data(vector, size);
      return (from, to) => {
        valid.append(bits, from, to);
        values.appendBytes(data, bits, from, to);
      };
    },
    blank(count) {
      valid.appendOnes(count);
      values.appendZeros(count);
    },
    take() {
      return columnOf(type, valid, { values: values.take() });
    },
  };
}

/** Where the items of variable length end, as Arrow counts them. */
class Ends {
  #pieces = new Pieces();
  last = 0;

  get byteLength(): number {
    return this.#pieces.byteLength;
  }

  /** Room for the ends of some rows. @throws ExportError when a batch would hold more than Arrow can count */
  push(ends: Int32Array, added: number): void {
    this.last += added;
    if (this.last > 2 ** 31 - 1) {
      throw new ExportError('one column of a few thousand rows has more than 2 GiB', {
        remedy: 'select a part of it, or export to Parquet',
      });
    }
    this.#pieces.push(new Uint8Array(ends.buffer));
  }

  /** Adds rows that have no items. */
  pushEmpty(count: number): void {
    this.push(new Int32Array(count).fill(this.last), 0);
  }

  take(): Int32Array {
    const bytes = this.#pieces.take();
    const offsets = new Int32Array(1 + bytes.byteLength / 4);
    offsets.set(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), 1);
    this.last = 0;
    return offsets;
  }
}

/** VARCHAR and BLOB: DuckDB keeps texts as UTF-8 too. */
export function texts(type: DataType): Encoder {
  const valid = new Validity();
  const ends = new Ends();
  const values = new Pieces();
  return {
    type,
    get byteLength() {
      return values.byteLength + ends.byteLength;
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const source = new TextVector(vector, size, bits);
      return (from, to) => {
        valid.append(bits, from, to);
        const rows = new Int32Array(to - from);
        const bytes = source.copy(from, to, rows, ends.last);
        ends.push(rows, bytes.byteLength);
        values.push(bytes);
      };
    },
    blank(count) {
      valid.appendOnes(count);
      ends.pushEmpty(count);
    },
    take() {
      return columnOf(type, valid, { offsets: ends.take(), values: values.take() });
    },
  };
}

/** LIST, and MAP, which is a list of its entries. */
export function lists(type: DataType, child: Encoder): Encoder {
  const valid = new Validity();
  const ends = new Ends();
  return {
    type,
    get byteLength() {
      return ends.byteLength + child.byteLength;
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const raw = duckdb.vector_get_data(vector, size * 16);
      const entries = new BigUint64Array(raw.buffer, raw.byteOffset, size * 2);
      const append = child.bind(duckdb.list_vector_get_child(vector), duckdb.list_vector_get_size(vector));
      return (from, to) => {
        valid.append(bits, from, to);
        const rows = new Int32Array(to - from);
        let added = 0;
        // Items mostly lie in the order of their rows: they are taken together.
        let runStart = 0;
        let runEnd = 0;
        for (let row = from; row < to; row++) {
          if (isSet(bits, row)) {
            const start = Number(entries[row * 2]);
            const length = Number(entries[row * 2 + 1]);
            if (start !== runEnd) {
              if (runEnd > runStart) append(runStart, runEnd);
              runStart = start;
            }
            runEnd = start + length;
            added += length;
          }
          rows[row - from] = ends.last + added;
        }
        if (runEnd > runStart) append(runStart, runEnd);
        ends.push(rows, added);
      };
    },
    blank(count) {
      valid.appendOnes(count);
      ends.pushEmpty(count);
    },
    take() {
      return columnOf(type, valid, { offsets: ends.take() }, [child.take()]);
    },
  };
}

/** ARRAY: a null row has its items too. */
export function arrays(type: DataType, length: number, child: Encoder): Encoder {
  const valid = new Validity();
  return {
    type,
    get byteLength() {
      return child.byteLength;
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const append = child.bind(duckdb.array_vector_get_child(vector), size * length);
      return (from, to) => {
        valid.append(bits, from, to);
        for (let start = from; start < to; ) {
          const hasItems = isSet(bits, start);
          let end = bits === null ? to : start + 1;
          while (end < to && isSet(bits, end) === hasItems) end++;
          if (hasItems) append(start * length, end * length);
          else child.blank((end - start) * length);
          start = end;
        }
      };
    },
    blank(count) {
      valid.appendOnes(count);
      child.blank(count * length);
    },
    take() {
      return columnOf(type, valid, {}, [child.take()]);
    },
  };
}

export function structs(type: DataType, children: readonly Encoder[]): Encoder {
  const valid = new Validity();
  return {
    type,
    get byteLength() {
      return children.reduce((sum, child) => sum + child.byteLength, 0);
    },
    bind(vector, size, around) {
      const bits = validityWithin(vector, size, around);
      const appends = children.map((child, i) =>
        child.bind(duckdb.struct_vector_get_child(vector, i), size, bits),
      );
      return (from, to) => {
        valid.append(bits, from, to);
        for (const append of appends) append(from, to);
      };
    },
    blank(count) {
      valid.appendOnes(count);
      for (const child of children) child.blank(count);
    },
    take() {
      return columnOf(
        type,
        valid,
        {},
        children.map((child) => child.take()),
      );
    },
  };
}
