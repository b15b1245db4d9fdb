import {
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimeTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type PgType, pgType } from '../../catalog/pg-types.ts';
import type { Output } from '../protocol/output.ts';
import { intervalText, offsetText, timeText } from './civil.ts';
import type { Codec, Form } from './codec.ts';
import { decimalText, writeNumeric } from './numbers.ts';

/** A codec for values as the driver gives them, instances of a class or primitives; anything else is a fault of ours. */
function driven<T extends DuckDBValue>(
  type: PgType,
  is: (value: DuckDBValue) => value is T,
  text: (value: T) => string,
  binary: (value: T, out: Output) => void,
  modifier = -1,
): Codec {
  const form =
    (write: (value: T, out: Output) => void): Form =>
    (vector) => {
      const values = vector.values();
      return (row, out) => {
        const value = values(row);
        if (!is(value)) throw new TypeError(`a value of ${type.name} came as ${typeof value}`);
        write(value, out);
      };
    };
  return { type, modifier, text: form((value, out) => out.text(text(value))), binary: form(binary) };
}

const isBigint = (v: DuckDBValue): v is bigint => typeof v === 'bigint';
const isAny = (_: DuckDBValue): _ is DuckDBValue => true;

/** Values that are text in both formats. */
function textual(type: PgType, text: (value: DuckDBValue) => string): Codec {
  return driven(type, isAny, text, (value, out) => out.text(text(value)));
}

export const NUMERIC_OF_INTEGER = driven(pgType('numeric'), isBigint, String, (v, out) =>
  writeNumeric(out, String(v)),
);
/** Types that PostgreSQL does not have, as DuckDB prints them. */
export const PRINTED = textual(pgType('text'), String);

export const TIMETZ = driven(
  pgType('timetz'),
  (v): v is DuckDBTimeTZValue => v instanceof DuckDBTimeTZValue,
  ({ micros, offset }) => timeText(micros) + offsetText(offset),
  ({ micros, offset }, out) => {
    out.int64(micros);
    // PostgreSQL counts seconds west of Greenwich.
    out.int32(-offset);
  },
);

export const INTERVAL = driven(
  pgType('interval'),
  (v): v is DuckDBIntervalValue => v instanceof DuckDBIntervalValue,
  ({ months, days, micros }) => intervalText(months, days, micros),
  ({ months, days, micros }, out) => {
    out.int64(micros);
    out.int32(days);
    out.int32(months);
  },
);

export const UUID = driven(pgType('uuid'), isAny, String, (value, out) =>
  out.bytes(Buffer.from(String(value).replaceAll('-', ''), 'hex')),
);

export function decimal({ width, scale }: DuckDBDecimalType): Codec {
  const text = (v: DuckDBDecimalValue) => decimalText(v.value, v.scale);
  return driven(
    pgType('numeric'),
    (v): v is DuckDBDecimalValue => v instanceof DuckDBDecimalValue,
    text,
    (v, out) => writeNumeric(out, text(v)),
    // Source: make_numeric_typmod in PostgreSQL's numeric.c.
    ((width << 16) | scale) + 4,
  );
}
