import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  type DuckDBType,
  FLOAT,
  INTEGER,
  LIST,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import type { ColumnType } from '../tables/schema.ts';

const DUCKDB_TYPES: Readonly<Record<ColumnType, DuckDBType>> = {
  string: VARCHAR,
  json: VARCHAR,
  long: BIGINT,
  integer: INTEGER,
  double: DOUBLE,
  boolean: BOOLEAN,
  timestamp: TIMESTAMPTZ,
  date: DATE,
  'float[]': LIST(FLOAT),
  'string[]': LIST(VARCHAR),
  'long[]': LIST(BIGINT),
};

/** The DuckDB type in which a column is staged and written. */
export function duckdbType(type: ColumnType): DuckDBType {
  return DUCKDB_TYPES[type];
}
