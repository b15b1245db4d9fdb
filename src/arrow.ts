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
  makeVector,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  tableToIPC,
  Utf8,
  type Vector,
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
  'FLOAT[]': { type: new List(new Field('item', new Float32(), true)), convert: same },
  'VARCHAR[]': { type: new List(new Field('item', new Utf8(), true)), convert: same },
  'BIGINT[]': { type: new List(new Field('item', new Int64(), true)), convert: same },
};

/** Timestamps are built by hand: Arrow's own conversion goes through fractional milliseconds. */
function timestamps(values: readonly EngineValue[]): Vector {
  const data = BigInt64Array.from(values, (value) => (typeof value === 'bigint' ? value : 0n));
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  for (const [i, value] of values.entries()) {
    if (typeof value === 'bigint') nullBitmap[i >> 3]! |= 1 << (i & 7);
    else nullCount += 1;
  }
  const type = new TimestampMicrosecond('UTC');
  return makeVector(makeData({ type, length: values.length, nullCount, nullBitmap, data }));
}

function vectorOf(values: readonly EngineValue[], type: string): Vector {
  if (type === 'TIMESTAMP WITH TIME ZONE') return timestamps(values);
  const asText = (v: EngineValue) => plainText(v, type);
  const column = COLUMNS[type] ?? { type: new Utf8(), convert: asText };
  return vectorFromArray(
    values.map((value) => (value === null ? null : column.convert(value))),
    column.type,
  );
}

/** An Arrow IPC file of a result. Values of types that the tables of the lake do not have go in as text. */
export function arrowFile(result: QueryResult): Uint8Array {
  const { columns, rows } = result;
  const vectors = columns.map(({ type }, i) =>
    vectorOf(
      rows.map((row) => row[i] ?? null),
      type,
    ),
  );
  const fields = columns.map(({ name }, i) => new Field(name, vectors[i]!.type, true));
  const schema = new Schema(fields);
  const children = vectors.map((vector) => vector.data[0] ?? makeData({ type: vector.type }));
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(fields), length: rows.length, children }),
  );
  return tableToIPC(new Table(schema, [batch]), 'file');
}
