import { DuckDBTypeId } from '@duckdb/node-api';
import type { Vector } from '../../../lake/engine/vector.ts';
import { pgType } from '../../catalog/pg-types.ts';
import { PG_EPOCH_DAYS, PG_EPOCH_MICROS, timeText, writeDate, writeTimestamp } from './civil.ts';
import type { Codec } from './codec.ts';

/** DuckDB's infinities are these and their negatives; PostgreSQL's negative one is smaller by one. */
const INFINITE_DAYS = 0x7fff_ffff;
const INFINITE_MICROS = 0x7fff_ffff_ffff_ffffn;

export const DATE: Codec = {
  type: pgType('date'),
  modifier: -1,
  text(vector) {
    const days = vector.numbers(Int32Array);
    return (row, out) => {
      const day = days[row]!;
      if (Math.abs(day) === INFINITE_DAYS) out.text(day > 0 ? 'infinity' : '-infinity');
      else writeDate(out, day);
    };
  },
  binary(vector) {
    const days = vector.numbers(Int32Array);
    return (row, out) => {
      const day = days[row]!;
      if (Math.abs(day) === INFINITE_DAYS) out.int32(day > 0 ? INFINITE_DAYS : -INFINITE_DAYS - 1);
      else out.int32(day - PG_EPOCH_DAYS);
    };
  },
};

export const TIME: Codec = {
  type: pgType('time'),
  modifier: -1,
  text(vector) {
    const micros = vector.numbers(BigInt64Array);
    return (row, out) => out.text(timeText(micros[row]!));
  },
  binary(vector) {
    const micros = vector.numbers(BigInt64Array);
    return (row, out) => out.int64(micros[row]!);
  },
};

const isInfinite = (count: bigint): boolean => count === INFINITE_MICROS || count === -INFINITE_MICROS;

/** How microseconds since 1970 come of the counts of a type of timestamps; its infinities are those of microseconds. */
const MICROS: Readonly<Partial<Record<DuckDBTypeId, (count: bigint) => bigint>>> = {
  [DuckDBTypeId.TIMESTAMP_S]: (seconds) => seconds * 1_000_000n,
  [DuckDBTypeId.TIMESTAMP_MS]: (millis) => millis * 1000n,
  [DuckDBTypeId.TIMESTAMP_NS]: (nanos) => nanos / 1000n - (nanos % 1000n < 0n ? 1n : 0n),
};

function microsOf(vector: Vector): (row: number) => bigint {
  const counts = vector.numbers(BigInt64Array);
  const convert = MICROS[vector.type.typeId];
  if (convert === undefined) return (row) => counts[row]!;
  return (row) => {
    const count = counts[row]!;
    return isInfinite(count) ? count : convert(count);
  };
}

/** Any of DuckDB's timestamps. @param zone what follows the time in text */
function timestamp(name: 'timestamp' | 'timestamptz', zone: string): Codec {
  return {
    type: pgType(name),
    modifier: -1,
    text(vector) {
      const micros = microsOf(vector);
      return (row, out) => {
        const value = micros(row);
        if (isInfinite(value)) out.text(value > 0n ? 'infinity' : '-infinity');
        else writeTimestamp(out, value, zone);
      };
    },
    binary(vector) {
      const micros = microsOf(vector);
      return (row, out) => {
        const value = micros(row);
        if (isInfinite(value)) out.int64(value > 0n ? INFINITE_MICROS : -INFINITE_MICROS - 1n);
        else out.int64(value - PG_EPOCH_MICROS);
      };
    },
  };
}

export const TIMESTAMP = timestamp('timestamp', '');
export const TIMESTAMPTZ = timestamp('timestamptz', '+00');
