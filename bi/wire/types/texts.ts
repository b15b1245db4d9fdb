import { type PgType, pgType } from '../../catalog/pg-types.ts';
import type { Output } from '../protocol/output.ts';
import type { Codec, Form } from './codec.ts';

/** The bytes as they are. */
const bytes: Form = (vector) => {
  const texts = vector.texts();
  return (row, out) => {
    const at = out.reserve(texts.length(row));
    texts.write(row, out.buffer, at);
  };
};

const HEX = Buffer.from('0123456789abcdef');

/** Bytes as PostgreSQL's `bytea_output = hex` shows them. */
const hex: Form = (vector) => {
  const write = bytes(vector);
  return (row, out) => {
    out.text('\\x');
    const at = out.length;
    write(row, out);
    doubleAsHex(out, at);
  };
};

/** Replaces the bytes from a place on by two digits each; from the last, because they move away from those before. */
function doubleAsHex(out: Output, at: number): void {
  const count = out.length - at;
  out.reserve(count);
  const { buffer } = out;
  for (let i = count - 1; i >= 0; i--) {
    const byte = buffer[at + i]!;
    buffer[at + i * 2] = HEX[byte >> 4]!;
    buffer[at + i * 2 + 1] = HEX[byte & 15]!;
  }
}

/** VARCHAR as a type that is text in both forms: DuckDB has it as UTF-8 too. */
function varchar(type: PgType): Codec {
  return { type, modifier: -1, text: bytes, binary: bytes };
}

export const TEXT = varchar(pgType('text'));
export const JSON_OF_TEXT = varchar(pgType('json'));
export const BYTEA: Codec = { type: pgType('bytea'), modifier: -1, text: hex, binary: bytes };
