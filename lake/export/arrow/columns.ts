import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import {
  arrays,
  booleans,
  type Encoder,
  fixedWidth,
  lists,
  structs,
  texts,
  widenedDecimal,
} from './encoders.ts';

type Make = (type: DuckDBType) => Encoder;

const fixed =
  (type: DataType, itemBytes: number): Make =>
  () =>
    fixedWidth(type, itemBytes);

/** How the values of each type are encoded. Every type that is not here is exported as one that is (`exported-types.ts`). */
const ENCODERS: Readonly<Partial<Record<DuckDBTypeId, Make>>> = {
  [DuckDBTypeId.BOOLEAN]: () => booleans(new Bool()),
  [DuckDBTypeId.TINYINT]: fixed(new Int8(), 1),
  [DuckDBTypeId.SMALLINT]: fixed(new Int16(), 2),
  [DuckDBTypeId.INTEGER]: fixed(new Int32(), 4),
  [DuckDBTypeId.BIGINT]: fixed(new Int64(), 8),
  [DuckDBTypeId.UTINYINT]: fixed(new Uint8(), 1),
  [DuckDBTypeId.USMALLINT]: fixed(new Uint16(), 2),
  [DuckDBTypeId.UINTEGER]: fixed(new Uint32(), 4),
  [DuckDBTypeId.UBIGINT]: fixed(new Uint64(), 8),
  [DuckDBTypeId.FLOAT]: fixed(new Float32(), 4),
  [DuckDBTypeId.DOUBLE]: fixed(new Float64(), 8),
  [DuckDBTypeId.DATE]: fixed(new DateDay(), 4),
  [DuckDBTypeId.TIME]: fixed(new TimeMicrosecond(), 8),
  [DuckDBTypeId.TIMESTAMP]: fixed(new TimestampMicrosecond(), 8),
  [DuckDBTypeId.TIMESTAMP_NS]: fixed(new TimestampNanosecond(), 8),
  [DuckDBTypeId.TIMESTAMP_TZ]: fixed(new TimestampMicrosecond('UTC'), 8),
  [DuckDBTypeId.VARCHAR]: () => texts(new Utf8()),
  [DuckDBTypeId.BLOB]: () => texts(new Binary()),
  [DuckDBTypeId.DECIMAL]: decimal,
  [DuckDBTypeId.LIST]: list,
  [DuckDBTypeId.ARRAY]: array,
  [DuckDBTypeId.STRUCT]: struct,
  [DuckDBTypeId.MAP]: map,
};

/** @throws TypeError for a type that is never exported as it is */
export function encoderOf(type: DuckDBType): Encoder {
  const make = ENCODERS[type.typeId];
  if (make === undefined) throw new TypeError(`${type} has no Arrow type`);
  return make(type);
}

/** DuckDB takes as many bytes for a decimal as its digits need. */
function decimal(type: DuckDBType): Encoder {
  if (!(type instanceof DuckDBDecimalType)) throw new TypeError(`${type} is no DECIMAL`);
  const wide = new Decimal(type.scale, type.width, 128);
  if (type.width > 18) return fixedWidth(wide, 16);
  return widenedDecimal(wide, type.width > 9 ? 8 : type.width > 4 ? 4 : 2);
}

function list(type: DuckDBType): Encoder {
  if (!(type instanceof DuckDBListType)) throw new TypeError(`${type} is no LIST`);
  const item = encoderOf(type.valueType);
  return lists(new List(new Field('item', item.type, true)), item);
}

function array(type: DuckDBType): Encoder {
  if (!(type instanceof DuckDBArrayType)) throw new TypeError(`${type} is no ARRAY`);
  const item = encoderOf(type.valueType);
  return arrays(new FixedSizeList(type.length, new Field('item', item.type, true)), type.length, item);
}

function struct(type: DuckDBType): Encoder {
  if (!(type instanceof DuckDBStructType)) throw new TypeError(`${type} is no STRUCT`);
  const children = type.entryTypes.map(encoderOf);
  const fields = children.map((child, i) => new Field(type.entryNames[i]!, child.type, true));
  return structs(new Struct(fields), children);
}

function map(type: DuckDBType): Encoder {
  if (!(type instanceof DuckDBMapType)) throw new TypeError(`${type} is no MAP`);
  const [key, value] = [encoderOf(type.keyType), encoderOf(type.valueType)];
  const entries = new Struct([new Field('key', key.type, false), new Field('value', value.type, true)]);
  return lists(new Map_(new Field('entries', entries, false)), structs(entries, [key, value]));
}
