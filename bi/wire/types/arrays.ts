import { arrayOf } from '../../catalog/pg-types.ts';
import type { Output } from '../protocol/output.ts';
import type { Codec, Form } from './codec.ts';

/**
 * LIST and ARRAY as arrays of one dimension. DuckDB's nested lists need not be rectangular as PostgreSQL's are, so those are none.
 * Sources: array_out and array_send in PostgreSQL's utils/adt/arrayfuncs.c.
 */
export function arrayCodec(element: Codec): Codec {
  return {
    type: arrayOf(element.type),
    modifier: element.modifier,
    text: text(element),
    binary: binary(element),
  };
}

/** Types whose texts never need quotes. */
const PLAIN = new Set(['bool', 'int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'uuid']);

function text(element: Codec): Form {
  const mayNeedQuotes = !PLAIN.has(element.type.name);
  return (vector) => {
    const items = vector.items();
    const write = element.text(items.vector);
    return (row, out) => {
      const [from, to] = [items.from(row), items.to(row)];
      out.uint8(OPEN);
      for (let item = from; item < to; item++) {
        if (item > from) out.uint8(COMMA);
        if (items.vector.isNull(item)) out.text('NULL');
        else {
          const at = out.length;
          write(item, out);
          if (mayNeedQuotes && needsQuotes(out.buffer, at, out.length)) quote(out, at);
        }
      }
      out.uint8(CLOSE);
    };
  };
}

function binary(element: Codec): Form {
  return (vector) => {
    const items = vector.items();
    const write = element.binary(items.vector);
    return (row, out) => {
      const [from, to] = [items.from(row), items.to(row)];
      out.int32(to > from ? 1 : 0);
      const nulls = out.reserve(4);
      out.setInt32(nulls, 0);
      out.uint32(element.type.oid);
      if (to === from) return;
      out.int32(to - from);
      out.int32(1);
      for (let item = from; item < to; item++) {
        const at = out.reserve(4);
        if (items.vector.isNull(item)) {
          out.setInt32(at, -1);
          out.setInt32(nulls, 1);
        } else {
          write(item, out);
          out.setInt32(at, out.length - at - 4);
        }
      }
    };
  };
}

const [OPEN, CLOSE, COMMA, QUOTE, BACKSLASH] = [0x7b, 0x7d, 0x2c, 0x22, 0x5c];
/** Characters that mean something in the text of an array, and what separates words. */
const SPECIAL = new Uint8Array(256);
for (const byte of Buffer.from('{},"\\ \t\n\v\f\r')) SPECIAL[byte] = 1;

function needsQuotes(buffer: Buffer, from: number, to: number): boolean {
  if (to === from) return true;
  for (let i = from; i < to; i++) if (SPECIAL[buffer[i]!] === 1) return true;
  return to - from === 4 && buffer.toString('latin1', from, to).toUpperCase() === 'NULL';
}

/** Puts what was written from a place on between quotes. */
function quote(out: Output, at: number): void {
  const item = Buffer.from(out.buffer.subarray(at, out.length));
  out.truncate(at);
  out.uint8(QUOTE);
  for (const byte of item) {
    if (byte === QUOTE || byte === BACKSLASH) out.uint8(BACKSLASH);
    out.uint8(byte);
  }
  out.uint8(QUOTE);
}
