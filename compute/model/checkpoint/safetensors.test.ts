import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../ingest/formats/bytes/byte-source.ts';
import { CheckpointError } from '../errors.ts';
import { safetensorsBytes, type TestTensor } from '../testing.ts';
import { readSafetensorsHeader } from './safetensors.ts';

const read = (bytes: Uint8Array) => readSafetensorsHeader(memorySource(bytes, 'model.safetensors'));

/** A file with this header and `data` zeros behind it. */
function file(header: unknown, data: number): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data)]);
}

const tensor = (start: number, end: number, shape: readonly number[], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

const sizes = { F32: 4, F16: 2, BF16: 2, BOOL: 1 } as const;
const anyTensor: fc.Arbitrary<TestTensor> = fc
  .record({
    type: fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const, 'BOOL' as const),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .map(({ type, shape }) => ({
    type,
    shape,
    bytes: new Uint8Array(shape.reduce((product, size) => product * size, sizes[type])),
  }));

describe('safetensors headers', () => {
  it('says where every tensor lies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((name) => name !== '__proto__' && name !== '__metadata__'),
          anyTensor,
        ),
        async (tensors) => {
          const bytes = safetensorsBytes(tensors);
          const stored = await read(bytes);
          expect(stored.map(({ name, type, shape }) => [name, type, [...shape]])).toEqual(
            Object.entries(tensors).map(([name, { type, shape }]) => [name, type, [...shape]]),
          );
          expect(stored.every(({ start, end }) => start <= end && end <= bytes.length)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('never fails otherwise than with a CheckpointError', async () => {
    const whole = safetensorsBytes({ a: { type: 'F32', shape: [2], bytes: new Uint8Array(8) } });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.nat(255),
        fc.nat(whole.length),
        async (at, value, length) => {
          const damaged = whole.slice(0, length);
          if (at < length) damaged[at] = value;
          await read(damaged).catch((error: unknown) => expect(error).toBeInstanceOf(CheckpointError));
        },
      ),
    );
  });

  it.each([
    ['no file', new Uint8Array(3), /3 bytes are no safetensors file/],
    [
      'a header of 2^63 bytes',
      Buffer.from('00000000000000807b7d', 'hex'),
      /a header of 9223372036854775808 bytes/,
    ],
    ['a header beyond the end', Buffer.from('ff00000000000000', 'hex'), /goes beyond the file's 8/],
    ['no JSON', file('{"a"', 0), /the header is no JSON object/],
    ['a list', file([], 0), /the header is no JSON object/],
    ['a name twice', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}', 4), /twice/],
    ['an unknown type', file({ a: tensor(0, 4, [1], 'F31') }, 4), /the unknown type F31/],
    ['a shape of other bytes', file({ a: tensor(0, 8, [1]) }, 8), /tensor a has 8 bytes/],
    ['an enormous shape', file({ a: tensor(0, 8, [2 ** 30, 2 ** 30]) }, 8), /tensor a is too large/],
    ['a negative size', file({ a: tensor(0, 8, [-2]) }, 8), /tensor a/],
    ['an overlap', file({ a: tensor(0, 8, [2]), b: tensor(4, 12, [2]) }, 12), /tensor b begins at byte/],
    ['a hole', file({ a: tensor(0, 4, [1]), b: tensor(8, 12, [1]) }, 12), /tensor b begins at byte/],
    ['data missing', file({ a: tensor(0, 8, [2]) }, 4), /the tensors end at byte/],
    ['data left over', file({ a: tensor(0, 8, [2]) }, 9), /the tensors end at byte/],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(CheckpointError);
    await expect(read(bytes)).rejects.toThrow(message);
  });
});
