import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from './protobuf.ts';

/** What a field holds on the wire: a varint, four bytes, or bytes with their length. */
type Field =
  | { field: number; varint: bigint }
  | { field: number; fixed: number }
  | { field: number; bytes: Buffer };

/** An independent reader of the wire format. */
function decode(bytes: Uint8Array): Field[] {
  const view = Buffer.from(bytes);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  const fields: Field[] = [];
  while (at < view.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    if ((tag & 7) === 0) fields.push({ field, varint: varint() });
    else if ((tag & 7) === 5) {
      fields.push({ field, fixed: view.readFloatLE(at) });
      at += 4;
    } else {
      expect(tag & 7).toBe(2);
      const length = Number(varint());
      fields.push({ field, bytes: view.subarray(at, at + length) });
      at += length;
    }
  }
  expect(at).toBe(view.length);
  return fields;
}

const fieldNumber = fc.integer({ min: 1, max: 2 ** 20 });

describe('protobuf writer', () => {
  it('writes what a reader reads, in order', () => {
    const call = fc.oneof(
      fc.record({ kind: fc.constant('integer' as const), field: fieldNumber, value: fc.maxSafeInteger() }),
      fc.record({ kind: fc.constant('float' as const), field: fieldNumber, value: fc.float() }),
      fc.record({
        kind: fc.constant('text' as const),
        field: fieldNumber,
        value: fc.string({ unit: 'grapheme' }),
      }),
      fc.record({
        kind: fc.constant('bytes' as const),
        field: fieldNumber,
        value: fc.uint8Array({ maxLength: 3000 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const writer = new ProtobufWriter();
        const expected = calls.map((one): Field => {
          switch (one.kind) {
            case 'integer':
              writer.integer(one.field, one.value);
              return { field: one.field, varint: BigInt(one.value) };
            case 'float':
              writer.float(one.field, one.value);
              return { field: one.field, fixed: one.value };
            case 'text':
              writer.text(one.field, one.value);
              return { field: one.field, bytes: Buffer.from(one.value, 'utf8') };
            default:
              writer.bytes(one.field, one.value);
              return { field: one.field, bytes: Buffer.from(one.value) };
          }
        });
        expect(decode(writer.finish())).toEqual(expected);
      }),
    );
  });

  it('packs integers and nests messages', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const written = new ProtobufWriter()
          .message(3, (inner) => inner.integers(1, values).message(2, (innermost) => innermost.text(1, 'x')))
          .finish();
        const [outer] = decode(written);
        const [packed, innermost] = decode((outer as { bytes: Buffer }).bytes);
        // The elements of a packed field are varints without tags; tags of field 0 make them fields again.
        const tagged = (packed as { bytes: Buffer }).bytes;
        let count = 0;
        for (const byte of tagged) if (byte < 0x80) count++;
        expect(count).toBe(values.length);
        expect(decode((innermost as { bytes: Buffer }).bytes)).toEqual([
          { field: 1, bytes: Buffer.from('x') },
        ]);
      }),
    );
  });

  it('refuses what is no exact integer', () => {
    expect(() => new ProtobufWriter().integer(1, 0.5)).toThrow(RangeError);
    expect(() => new ProtobufWriter().integer(1, 2 ** 53)).toThrow(RangeError);
  });
});
