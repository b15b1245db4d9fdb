import {
  DuckDBArrayType,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { Vector } from '../../../lake/engine/vector.ts';
import { pgType } from '../../catalog/pg-types.ts';
import type { Codec, Form } from './codec.ts';
import { decimalText } from './numbers.ts';

const text: Form = (vector) => {
  const print = printerOfValues(vector);
  return (row, out) => out.text(print(row));
};

/** Nested values as JSON: integers of any size stay exact, what JSON does not have becomes text. */
export const JSON_OF_VALUE: Codec = { type: pgType('json'), modifier: -1, text, binary: text };

/** Prints the value of a row. */
type Printer = (row: number) => string;

function printer(vector: Vector): Printer {
  const print = printerOfValues(vector);
  return vector.mayHaveNulls ? (row) => (vector.isNull(row) ? 'null' : print(row)) : print;
}

/** Prints values that are not null. */
function printerOfValues(vector: Vector): Printer {
  const { type } = vector;
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return list(vector);
  if (type instanceof DuckDBStructType) return struct(vector, type);
  if (type instanceof DuckDBMapType) return map(vector);
  if (type instanceof DuckDBUnionType) return union(vector, type);
  if (type.typeId === DuckDBTypeId.VARCHAR) {
    const texts = vector.texts();
    return (row) => JSON.stringify(texts.text(row));
  }
  const values = vector.values();
  return (row) => scalar(values(row));
}

function list(vector: Vector): Printer {
  const items = vector.items();
  const print = printer(items.vector);
  return (row) => {
    const parts: string[] = [];
    for (let i = items.from(row); i < items.to(row); i++) parts.push(print(i));
    return `[${parts.join(',')}]`;
  };
}

function struct(vector: Vector, { entryNames }: DuckDBStructType): Printer {
  const fields = entryNames.map((name, i) => ({
    key: JSON.stringify(name),
    print: printer(vector.field(i)),
  }));
  return (row) => `{${fields.map(({ key, print }) => `${key}:${print(row)}`).join(',')}}`;
}

function map(vector: Vector): Printer {
  const entries = vector.items();
  const key = namesOf(entries.vector.field(0));
  const print = printer(entries.vector.field(1));
  return (row) => {
    const parts: string[] = [];
    for (let i = entries.from(row); i < entries.to(row); i++)
      parts.push(`${JSON.stringify(key(i))}:${print(i)}`);
    return `{${parts.join(',')}}`;
  };
}

/** Keys of any type as texts. */
function namesOf(vector: Vector): Printer {
  if (vector.type.typeId === DuckDBTypeId.VARCHAR) {
    const texts = vector.texts();
    return (row) => texts.text(row);
  }
  const values = vector.values();
  return (row) => String(values(row));
}

function union(vector: Vector, { memberTypes }: DuckDBUnionType): Printer {
  const tag = vector.field(0);
  const tags = tag.numbers(Uint8Array);
  const members = memberTypes.map((_, i) => printer(vector.field(i + 1)));
  return (row) => (tag.isNull(row) ? 'null' : members[tags[row]!]!(row));
}

function scalar(value: DuckDBValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return JSON.stringify(String(value));
    return Object.is(value, -0) ? '-0.0' : String(value);
  }
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale);
  return JSON.stringify(String(value));
}
