import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { arrayCodec } from './arrays.ts';
import type { Codec } from './codec.ts';
import { decimal, INTERVAL, NUMERIC_OF_INTEGER, PRINTED, TIMETZ, UUID } from './driven.ts';
import { BOOL, FLOAT4, FLOAT8, INT8, integer } from './fixed.ts';
import { JSON_OF_VALUE } from './json.ts';
import { BYTEA, JSON_OF_TEXT, TEXT } from './texts.ts';
import { DATE, TIME, TIMESTAMP, TIMESTAMPTZ } from './times.ts';

const OID = integer('oid', Uint32Array);

/** Types that travel alike whatever their parameters. All others travel as text. */
const CODECS: Readonly<Partial<Record<DuckDBTypeId, Codec>>> = {
  [DuckDBTypeId.BOOLEAN]: BOOL,
  [DuckDBTypeId.TINYINT]: integer('int2', Int8Array),
  [DuckDBTypeId.UTINYINT]: integer('int2', Uint8Array),
  [DuckDBTypeId.SMALLINT]: integer('int2', Int16Array),
  [DuckDBTypeId.USMALLINT]: integer('int4', Uint16Array),
  [DuckDBTypeId.INTEGER]: integer('int4', Int32Array),
  [DuckDBTypeId.UINTEGER]: integer('int8', Uint32Array),
  [DuckDBTypeId.BIGINT]: INT8,
  [DuckDBTypeId.UBIGINT]: NUMERIC_OF_INTEGER,
  [DuckDBTypeId.HUGEINT]: NUMERIC_OF_INTEGER,
  [DuckDBTypeId.UHUGEINT]: NUMERIC_OF_INTEGER,
  [DuckDBTypeId.BIGNUM]: NUMERIC_OF_INTEGER,
  [DuckDBTypeId.FLOAT]: FLOAT4,
  [DuckDBTypeId.DOUBLE]: FLOAT8,
  [DuckDBTypeId.DATE]: DATE,
  [DuckDBTypeId.TIME]: TIME,
  [DuckDBTypeId.TIME_TZ]: TIMETZ,
  [DuckDBTypeId.TIMESTAMP]: TIMESTAMP,
  [DuckDBTypeId.TIMESTAMP_S]: TIMESTAMP,
  [DuckDBTypeId.TIMESTAMP_MS]: TIMESTAMP,
  [DuckDBTypeId.TIMESTAMP_NS]: TIMESTAMP,
  [DuckDBTypeId.TIMESTAMP_TZ]: TIMESTAMPTZ,
  [DuckDBTypeId.INTERVAL]: INTERVAL,
  [DuckDBTypeId.UUID]: UUID,
  [DuckDBTypeId.VARCHAR]: TEXT,
  [DuckDBTypeId.BLOB]: BYTEA,
  [DuckDBTypeId.STRUCT]: JSON_OF_VALUE,
  [DuckDBTypeId.MAP]: JSON_OF_VALUE,
  [DuckDBTypeId.UNION]: JSON_OF_VALUE,
};

/** How values of this type travel. Types that PostgreSQL does not have travel as text, nested ones as JSON. */
export function codecOf(type: DuckDBType): Codec {
  if (type.alias === 'JSON') return JSON_OF_TEXT;
  if (type instanceof DuckDBDecimalType) return decimal(type);
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const element = codecOf(type.valueType);
    return element.type.arrayOid === 0 || element.type.name === 'json' ? JSON_OF_VALUE : arrayCodec(element);
  }
  return CODECS[type.typeId] ?? PRINTED;
}

/** In answers about the catalog, columns of UINTEGER hold oids. */
export function catalogCodecOf(type: DuckDBType): Codec {
  if (type.typeId === DuckDBTypeId.UINTEGER) return OID;
  if (type instanceof DuckDBListType && type.valueType.typeId === DuckDBTypeId.UINTEGER)
    return arrayCodec(OID);
  return codecOf(type);
}
