import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytePlanes, floatSource } from './byte-planes.ts';
import { type Floats, floatCount, type HalfFormat, joinFloats, sliceFloats, toFloat32 } from './floats.ts';

const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** At an odd address, as halves in an artifact may be. */
function ofBits(format: HalfFormat, bits: Uint16Array): Floats {
  const bytes = new Uint8Array(bits.byteLength + 1).subarray(1);
  bytes.set(new Uint8Array(bits.buffer));
  return { format, bytes };
}

/** Any bits: NaN payloads, zeros of both signs, subnormals and infinities among them. */
const halves = fc
  .constantFrom('float16' as const, 'bfloat16' as const)
  .chain((format) => fc.uint16Array({ maxLength: 40 }).map((bits): Floats => ofBits(format, bits)));
const singles = fc.uint32Array({ maxLength: 40 }).map((bits): Floats => new Float32Array(bits.buffer));
const floats = fc.oneof(halves, singles);

describe('floats', () => {
  it('are widened exactly', () => {
    const half = (bits: number) => bitsOf(toFloat32(ofBits('float16', Uint16Array.of(bits))))[0];
    expect(half(0x3c00)).toBe(0x3f800000);
    expect(half(0x8000)).toBe(0x80000000);
    expect(half(0x0001)).toBe(0x33800000);
    expect(half(0x03ff)).toBe(0x387fc000);
    expect(half(0xfc00)).toBe(0xff800000);
    expect(half(0x7e01)).toBe(0x7fc02000);
    const brain = toFloat32(ofBits('bfloat16', Uint16Array.of(0x3f80, 0xffc1)));
    expect([...bitsOf(brain)]).toEqual([0x3f800000, 0xffc10000]);
  });

  it('are joined in memory of their own, and keep their bits and, where it is one, their format', () => {
    fc.assert(
      fc.property(fc.array(floats, { minLength: 1, maxLength: 4 }), (parts) => {
        const joined = joinFloats(parts);
        expect([...bitsOf(toFloat32(joined))]).toEqual(parts.flatMap((p) => [...bitsOf(toFloat32(p))]));
        const formats = new Set(parts.map((p) => (p instanceof Float32Array ? 'float32' : p.format)));
        expect(joined instanceof Float32Array).toBe(formats.size > 1 || formats.has('float32'));
        const memory = (f: Floats) => (f instanceof Float32Array ? f : f.bytes).buffer;
        expect(parts.map(memory)).not.toContain(memory(joined));
      }),
    );
    expect(floatCount(joinFloats([]))).toBe(0);
    expect(sliceFloats(ofBits('float16', Uint16Array.of(1, 2, 3)), 1, 2)).toEqual(
      ofBits('float16', Uint16Array.of(2)),
    );
  });
});

describe('byte planes', () => {
  it('hold every byte of every value, wherever parts of them begin', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(floats, fc.nat(5)), { maxLength: 5 }), (parts) => {
        const added = parts.map(([values, start]) => ({
          values,
          start: Math.min(start, floatCount(values)),
        }));
        const planes = new BytePlanes(200);
        for (const { values, start } of [...added, ...added]) {
          const sum = planes.add(floatSource(values), start, floatCount(values));
          const expected = toFloat32(values)
            .subarray(start)
            .reduce((total, value) => total + value ** 2, 0);
          if (Number.isFinite(expected))
            expect(Math.abs(sum - expected)).toBeLessThanOrEqual(1e-14 * expected);
          else expect(sum).toBe(expected);
        }
        const bits = added.flatMap(({ values, start }) => [...bitsOf(toFloat32(values)).subarray(start)]);
        const twice = [...bits, ...bits];
        expect(planes.planes.map((plane) => [...plane])).toEqual(
          [0, 8, 16, 24].map((shift) => twice.map((value) => (value >>> shift) & 0xff)),
        );
        planes.clear();
        expect(planes.planes.map((plane) => plane.length)).toEqual([0, 0, 0, 0]);
      }),
    );
  });
});
