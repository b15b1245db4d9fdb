import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { arrayOf, type PgType, pgType } from '../../catalog/pg-types.ts';
import type { Output } from '../protocol/output.ts';
import {
  dateText,
  intervalText,
  offsetText,
  PG_EPOCH_DAYS,
  PG_EPOCH_MICROS,
  timestampText,
  timeText,
} from './civil.ts';
import { decimalText, float4Text, float8Text, writeNumeric } from './numbers.ts';

/** How values of a DuckDB type travel to a Postgres client. */
export interface Codec {
  readonly type: PgType;
  /** Precision and scale of numeric, -1 otherwise. */
  readonly modifier: number;
  /** PostgreSQL's output function. */
  text(value: DuckDBValue): string;
  /** PostgreSQL's send function. */
  binary(value: DuckDBValue, out: Output): void;
}

const POSITIVE_INFINITY = 0x7fff_ffff_ffff_ffffn;

/** A codec for values that arrive as instances of a class or as primitives; anything else is a fault of ours. */
function codec<T extends DuckDBValue>(
  type: PgType,
  is: (value: DuckDBValue) => value is T,
  text: (value: T) => string,
  binary: (value: T, out: Output) => void,
  modifier = -1,
): Codec {
  const checked = (value: DuckDBValue): T => {
    if (is(value)) return value;
    throw new TypeError(`a value of ${type.name} came as ${typeof value}`);
  };
  return {
    type,
    modifier,
    text: (value) => text(checked(value)),
    binary: (value, out) => binary(checked(value), out),
  };
}

const isBoolean = (v: DuckDBValue): v is boolean => typeof v === 'boolean';
const isNumber = (v: DuckDBValue): v is number => typeof v === 'number';
const isBigint = (v: DuckDBValue): v is bigint => typeof v === 'bigint';
const isAny = (_: DuckDBValue): _ is DuckDBValue => true;

/** Values that are text in both formats. */
function textual(type: PgType, text: (value: DuckDBValue) => string): Codec {
  return codec(type, isAny, text, (value, out) => out.text(text(value)));
}

const BOOL = codec(
  pgType('bool'),
  isBoolean,
  (v) => (v ? 't' : 'f'),
  (v, out) => out.uint8(v ? 1 : 0),
);
const INT2 = codec(pgType('int2'), isNumber, String, (v, out) => out.int16(v));
const INT4 = codec(pgType('int4'), isNumber, String, (v, out) => out.int32(v));
const OID = codec(pgType('oid'), isNumber, String, (v, out) => out.uint32(v));
const INT8 = codec(pgType('int8'), isBigint, String, (v, out) => out.int64(v));
const INT8_OF_NUMBER = codec(pgType('int8'), isNumber, String, (v, out) => out.int64(BigInt(v)));
const NUMERIC_OF_INTEGER = codec(pgType('numeric'), isBigint, String, (v, out) =>
  writeNumeric(out, String(v)),
);
const FLOAT4 = codec(pgType('float4'), isNumber, float4Text, (v, out) => out.float32(v));
const FLOAT8 = codec(pgType('float8'), isNumber, float8Text, (v, out) => out.float64(v));
const TEXT = textual(pgType('text'), String);
const JSON_TEXT = textual(pgType('json'), (v) => (typeof v === 'string' ? v : jsonText(v)));

const DATE = codec(
  pgType('date'),
  (v): v is DuckDBDateValue => v instanceof DuckDBDateValue,
  ({ days }) => (Math.abs(days) === 0x7fff_ffff ? (days > 0 ? 'infinity' : '-infinity') : dateText(days)),
  ({ days }, out) =>
    out.int32(
      Math.abs(days) === 0x7fff_ffff ? (days > 0 ? 0x7fff_ffff : -0x8000_0000) : days - PG_EPOCH_DAYS,
    ),
);

const TIME = codec(
  pgType('time'),
  (v): v is DuckDBTimeValue => v instanceof DuckDBTimeValue,
  ({ micros }) => timeText(micros),
  ({ micros }, out) => out.int64(micros),
);

const TIMETZ = codec(
  pgType('timetz'),
  (v): v is DuckDBTimeTZValue => v instanceof DuckDBTimeTZValue,
  ({ micros, offset }) => timeText(micros) + offsetText(offset),
  ({ micros, offset }, out) => {
    out.int64(micros);
    // PostgreSQL counts seconds west of Greenwich.
    out.int32(-offset);
  },
);

/** Microseconds since 1970 of any of DuckDB's timestamps; infinities as PostgreSQL has them. */
function timestamp(type: PgType, zone: string): Codec {
  return codec(
    type,
    isAny,
    (value) => {
      const micros = microsOf(value);
      if (micros === POSITIVE_INFINITY) return 'infinity';
      return micros === -POSITIVE_INFINITY ? '-infinity' : timestampText(micros, zone);
    },
    (value, out) => {
      const micros = microsOf(value);
      if (micros === POSITIVE_INFINITY) out.int64(micros);
      else if (micros === -POSITIVE_INFINITY) out.int64(-POSITIVE_INFINITY - 1n);
      else out.int64(micros - PG_EPOCH_MICROS);
    },
  );
}

function microsOf(value: DuckDBValue): bigint {
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return value.micros;
  const finite = (count: bigint, micros: bigint) =>
    count === POSITIVE_INFINITY || count === -POSITIVE_INFINITY ? count : micros;
  if (value instanceof DuckDBTimestampSecondsValue) return finite(value.seconds, value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampMillisecondsValue) return finite(value.millis, value.millis * 1000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) {
    const { nanos } = value;
    return finite(nanos, nanos / 1000n - (nanos % 1000n < 0n ? 1n : 0n));
  }
  throw new TypeError(`a timestamp came as ${typeof value}`);
}

const TIMESTAMP = timestamp(pgType('timestamp'), '');
const TIMESTAMPTZ = timestamp(pgType('timestamptz'), '+00');

const INTERVAL = codec(
  pgType('interval'),
  (v): v is DuckDBIntervalValue => v instanceof DuckDBIntervalValue,
  ({ months, days, micros }) => intervalText(months, days, micros),
  ({ months, days, micros }, out) => {
    out.int64(micros);
    out.int32(days);
    out.int32(months);
  },
);

const UUID = codec(pgType('uuid'), isAny, String, (value, out) =>
  out.bytes(Buffer.from(String(value).replaceAll('-', ''), 'hex')),
);

const BYTEA = codec(
  pgType('bytea'),
  (v): v is DuckDBBlobValue => v instanceof DuckDBBlobValue,
  ({ bytes }) => `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`,
  ({ bytes }, out) => out.bytes(bytes),
);

function decimal({ width, scale }: DuckDBDecimalType): Codec {
  const text = (v: DuckDBDecimalValue) => decimalText(v.value, v.scale);
  return codec(
    pgType('numeric'),
    (v): v is DuckDBDecimalValue => v instanceof DuckDBDecimalValue,
    text,
    (v, out) => writeNumeric(out, text(v)),
    // Source: make_numeric_typmod in PostgreSQL's numeric.c.
    ((width << 16) | scale) + 4,
  );
}

/** One-dimensional arrays; DuckDB's nested lists need not be rectangular as PostgreSQL's are, so they go as JSON. */
function array(element: Codec): Codec {
  const items = (value: DuckDBValue): readonly DuckDBValue[] => {
    if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items;
    throw new TypeError(`an array came as ${typeof value}`);
  };
  return codec(
    arrayOf(element.type),
    isAny,
    (value) =>
      `{${items(value)
        .map((item) => (item === null ? 'NULL' : arrayItem(element.text(item))))
        .join(',')}}`,
    (value, out) => {
      const all = items(value);
      out.int32(all.length === 0 ? 0 : 1);
      out.int32(all.includes(null) ? 1 : 0);
      out.uint32(element.type.oid);
      if (all.length === 0) return;
      out.int32(all.length);
      out.int32(1);
      for (const item of all) {
        if (item === null) out.int32(-1);
        else out.sized(() => element.binary(item, out));
      }
    },
    element.modifier,
  );
}

function arrayItem(text: string): string {
  return text === '' || /[{}",\\\s]/.test(text) || text.toUpperCase() === 'NULL'
    ? `"${text.replace(/["\\]/g, '\\$&')}"`
    : text;
}

/** JSON of a nested value: integers of any size stay exact, what JSON does not have becomes text. */
function jsonText(value: DuckDBValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return JSON.stringify(String(value));
    return Object.is(value, -0) ? '-0.0' : String(value);
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return `[${value.items.map(jsonText).join(',')}]`;
  if (value instanceof DuckDBStructValue) {
    const fields = Object.entries(value.entries).map(
      ([key, field]) => `${JSON.stringify(key)}:${jsonText(field)}`,
    );
    return `{${fields.join(',')}}`;
  }
  if (value instanceof DuckDBMapValue) {
    const fields = value.entries.map(
      ({ key, value: field }) => `${JSON.stringify(String(key))}:${jsonText(field)}`,
    );
    return `{${fields.join(',')}}`;
  }
  if (value instanceof DuckDBUnionValue) return jsonText(value.value);
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale);
  return JSON.stringify(String(value));
}

/** How values of this type travel. Types that PostgreSQL does not have travel as text, nested ones as JSON. */
export function codecOf(type: DuckDBType): Codec {
  if (type.alias === 'JSON') return JSON_TEXT;
  if (type instanceof DuckDBDecimalType) return decimal(type);
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const element = codecOf(type.valueType);
    return element.type.arrayOid === 0 || element === JSON_TEXT ? JSON_TEXT : array(element);
  }
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return BOOL;
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.SMALLINT:
      return INT2;
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.INTEGER:
      return INT4;
    case DuckDBTypeId.UINTEGER:
      return INT8_OF_NUMBER;
    case DuckDBTypeId.BIGINT:
      return INT8;
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
      return NUMERIC_OF_INTEGER;
    case DuckDBTypeId.FLOAT:
      return FLOAT4;
    case DuckDBTypeId.DOUBLE:
      return FLOAT8;
    case DuckDBTypeId.DATE:
      return DATE;
    case DuckDBTypeId.TIME:
      return TIME;
    case DuckDBTypeId.TIME_TZ:
      return TIMETZ;
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return TIMESTAMP;
    case DuckDBTypeId.TIMESTAMP_TZ:
      return TIMESTAMPTZ;
    case DuckDBTypeId.INTERVAL:
      return INTERVAL;
    case DuckDBTypeId.UUID:
      return UUID;
    case DuckDBTypeId.BLOB:
      return BYTEA;
    case DuckDBTypeId.STRUCT:
    case DuckDBTypeId.MAP:
    case DuckDBTypeId.UNION:
      return JSON_TEXT;
    default:
      return TEXT;
  }
}

/** In answers about the catalog, columns of UINTEGER hold oids. */
export function catalogCodecOf(type: DuckDBType): Codec {
  if (type.typeId === DuckDBTypeId.UINTEGER) return OID;
  if (type instanceof DuckDBListType && type.valueType.typeId === DuckDBTypeId.UINTEGER) return array(OID);
  return codecOf(type);
}
