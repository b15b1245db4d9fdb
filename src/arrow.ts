import {
  Bool,
  type DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { EngineValue, QueryResult } from '../lake/engine/types.ts';
import { plainText } from './rows.ts';

const MS_A_DAY = 86_400_000;

interface ArrowColumn {
  readonly type: DataType;
  readonly convert: (value: EngineValue) => unknown;
}

const same = (value: EngineValue): unknown => value;

const COLUMNS: Readonly<Record<string, ArrowColumn>> = {
  BOOLEAN: { type: new Bool(), convert: same },
  INTEGER: { type: new Int32(), convert: same },
  BIGINT: { type: new Int64(), convert: same },
  FLOAT: { type: new Float32(), convert: same },
  DOUBLE: { type: new Float64(), convert: same },
  VARCHAR: { type: new Utf8(), convert: same },
  DATE: {
    type: new DateDay(),
    convert: (value) =>
      typeof value === 'string' ? new Date(Math.floor(Date.parse(value) / MS_A_DAY) * MS_A_DAY) : null,
  },
  'TIMESTAMP WITH TIME ZONE': { type: new TimestampMicrosecond('UTC'), convert: same },
  'FLOAT[]': { type: new List(new Field('item', new Float32(), true)), convert: same },
  'VARCHAR[]': { type: new List(new Field('item', new Utf8(), true)), convert: same },
  'BIGINT[]': { type: new List(new Field('item', new Int64(), true)), convert: same },
};

/** An Arrow IPC file of a result. Values of types that the tables of the lake do not have go in as text. */
export function arrowFile(result: QueryResult): Uint8Array {
  const { columns, rows } = result;
  const vectors = columns.map(({ type }, i) => {
    const column = COLUMNS[type] ?? {
      type: new Utf8(),
      convert: (v: EngineValue) => (v === null ? null : plainText(v, type)),
    };
    return vectorFromArray(
      rows.map((row) => {
        const value = row[i] ?? null;
        return value === null ? null : column.convert(value);
      }),
      column.type,
    );
  });
  const fields = columns.map(({ name }, i) => new Field(name, vectors[i]!.type, true));
  const schema = new Schema(fields);
  const children = vectors.map((vector) => vector.data[0] ?? makeData({ type: vector.type }));
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(fields), length: rows.length, children }),
  );
  return tableToIPC(new Table(schema, [batch]), 'file');
}
