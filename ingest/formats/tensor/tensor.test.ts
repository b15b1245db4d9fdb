import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { pythonBytes, pythonHas } from '../../../test/support/python.ts';
import { FormatError } from '../errors.ts';
import { splitTensors } from './concatenated.ts';
import { swapBytes } from './dtype.ts';
import { float16ToNumber, float32ToFloat16, float32ToFloat16Array } from './float16.ts';
import { contiguousStrides, Tensor } from './tensor.ts';

const HAS_NUMPY = pythonHas('numpy');

function numpy(code: string, input?: Uint8Array): Uint8Array {
  return new Uint8Array(
    pythonBytes(['-c', `import sys, numpy as np\nout = sys.stdout.buffer\n${code}`], { input }),
  );
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

describe('float16', () => {
  it.skipIf(!HAS_NUMPY)('widens all 65,536 values as numpy does', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const expected = new Float32Array(
      numpy('out.write(np.arange(65536, dtype="<u2").view("<f2").astype("<f4").tobytes())').buffer,
    );
    const actual = new Tensor({ dtype: 'float16', shape: [65536], data: bytesOf(all) }).toFloat32();
    for (let i = 0; i < 65536; i++) {
      if (!Object.is(actual[i], expected[i])) expect([i, actual[i]]).toEqual([i, expected[i]]);
    }
    expect(float16ToNumber(0x3555)).toBe(expected[0x3555]);
  });

  it.skipIf(!HAS_NUMPY)(
    'narrows as numpy does: every half, all midpoints and their neighbours, random bits',
    () => {
      const bits: number[] = [];
      for (let half = 0; half < 65536; half++) {
        const value = new Float32Array([float16ToNumber(half)]);
        const exact = new Uint32Array(value.buffer)[0]!;
        bits.push(exact, exact + 0xfff, exact + 0x1000, exact + 0x1001);
      }
      let state = 12345;
      for (let i = 0; i < 200_000; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        bits.push(state);
      }
      for (let e = 0x32800000; e < 0x38800000; e += 0x3f1) bits.push(e);
      const inputBits = Uint32Array.from(bits, (b) => b >>> 0);
      const expected = new Uint16Array(
        numpy(
          'np.seterr(all="ignore"); out.write(np.frombuffer(sys.stdin.buffer.read(), "<f4").astype("<f2").tobytes())',
          bytesOf(inputBits),
        ).buffer,
      );
      const actual = float32ToFloat16Array(new Float32Array(inputBits.buffer));
      const isNaN16 = (half: number) => (half & 0x7fff) > 0x7c00;
      for (let i = 0; i < actual.length; i++) {
        if (actual[i] === expected[i] || (isNaN16(actual[i]!) && isNaN16(expected[i]!))) continue;
        expect([inputBits[i]!.toString(16), actual[i]]).toEqual([inputBits[i]!.toString(16), expected[i]]);
      }
      expect(float32ToFloat16(65519.99)).toBe(0x7bff);
      expect(float32ToFloat16(65520)).toBe(0x7c00);
    },
  );

  it('widens bfloat16 by its definition, NaN payloads included', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const actual = new Tensor({ dtype: 'bfloat16', shape: [65536], data: bytesOf(all) }).toFloat32();
    const bits = new Uint32Array(actual.buffer);
    expect(bits.every((value, i) => value === i * 65536)).toBe(true);
  });
});

const dtypes = {
  bool: '?',
  int8: '<i1',
  int16: '<i2',
  int32: '<i4',
  int64: '<i8',
  uint8: '<u1',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
  float16: '<f2',
  float32: '<f4',
  float64: '<f8',
} as const;

describe.skipIf(!HAS_NUMPY)('Tensor, as numpy has it', () => {
  let seen: Uint8Array[];
  beforeAll(() => {
    // base (5, 6, 7); view = base.transpose(2, 0, 1)[1:, :, ::2], and base[1:4] as a contiguous part of it. A line for every type.
    const lines = numpy(`import base64
for code in "${Object.values(dtypes).join(' ')}".split():
    a = (np.arange(210) * 37 % 251 - (100 if code[1:2] in ("i", "f") else 0)).astype(code).reshape(5, 6, 7)
    v = a.transpose(2, 0, 1)[1:, :, ::2]
    parts = (a, v.astype("<f4"), v.astype("<f8"), np.ascontiguousarray(v), a[1:4].astype("<f4"))
    print(base64.b64encode(b"".join(x.tobytes() for x in parts)).decode())`);
    seen = Buffer.from(lines)
      .toString()
      .trim()
      .split('\n')
      .map((line) => new Uint8Array(Buffer.from(line, 'base64')));
  });

  it.each(Object.entries(dtypes))(
    '%s: strided, unaligned views give the values numpy sees',
    (dtype, code) => {
      const all = seen[Object.keys(dtypes).indexOf(dtype)]!;
      const item = { '?': 1, '<i1': 1, '<u1': 1, '<i2': 2, '<u2': 2, '<f2': 2, '<i4': 4, '<u4': 4, '<f4': 4 }[
        code as string
      ];
      const size = item ?? 8;
      const count = 6 * 5 * 3;
      let at = 0;
      const take = (n: number) => {
        at += n;
        return all.slice(at - n, at);
      };
      const base = take(210 * size);
      const f4 = new Float32Array(take(count * 4).buffer);
      const f8 = new Float64Array(take(count * 8).buffer);
      const raw = take(count * size);
      const rows = new Float32Array(take(126 * 4).buffer);
      for (const shift of [0, 1, 3]) {
        const data = new Uint8Array(base.length + shift).subarray(shift);
        data.set(base);
        const tensor = new Tensor({ dtype: dtype as keyof typeof dtypes, shape: [5, 6, 7], data });
        const view = new Tensor({
          dtype: tensor.dtype,
          data,
          shape: [6, 5, 3],
          strides: [1, 42, 14],
          offset: 1,
        });
        expect(view.toFloat32()).toEqual(f4);
        expect(view.toFloat64()).toEqual(f8);
        expect(view.toBytes()).toEqual(raw);
        expect(tensor.narrow(0, 1, 3).toFloat32()).toEqual(rows);
        expect([...tensor.rows()][2]!.toFloat32()).toEqual(rows.slice(42, 84));
        expect(tensor.select(1, 2).shape).toEqual([5, 7]);
        expect(tensor.select(1, 2).select(0, 3).toFloat32()).toEqual(rows.slice(84 + 14, 84 + 21));
      }
    },
  );
});

describe('Tensor', () => {
  it('does not copy contiguous aligned float32 nor any view', () => {
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = new Tensor({ dtype: 'float32', shape: [3, 2], data: bytesOf(values) });
    expect(tensor.toFloat32().buffer).toBe(values.buffer);
    expect(tensor.select(0, 1).toFloat32()).toEqual(Float32Array.of(3, 4));
    expect(tensor.select(0, 1).toFloat32().buffer).toBe(values.buffer);
    expect(tensor.narrow(0, 1, 2).toBytes().buffer).toBe(values.buffer);
    expect(tensor.select(1, 1).contiguous).toBe(false);
  });

  it('refuses views that leave the storage and views that multiply it', () => {
    const data = new Uint8Array(64);
    const bad = [
      { shape: [17] },
      { shape: [4, 4], offset: 1 },
      { shape: [4], strides: [-1], offset: 8 },
      { shape: [2 ** 40], strides: [0] },
      { shape: [2 ** 27, 2 ** 27], strides: [0, 0] },
      { shape: [0, 2 ** 52, 2 ** 52] },
      { shape: [1.5] },
      { shape: [2], strides: [1, 1] },
      { shape: [2], offset: Number.NaN },
    ];
    for (const init of bad) {
      expect(() => new Tensor({ dtype: 'float32', data, ...init })).toThrow(FormatError);
    }
    expect(new Tensor({ dtype: 'float32', data, shape: [1000], strides: [0] }).toFloat32()).toEqual(
      new Float32Array(1000),
    );
    expect(new Tensor({ dtype: 'float32', data, shape: [0, 3] }).toFloat32()).toHaveLength(0);
    expect(new Tensor({ dtype: 'float32', data, shape: [] }).toNumbers()).toEqual([0]);
  });

  it('keeps 64-bit integers exact or says so', () => {
    const data = bytesOf(BigInt64Array.of(1n, -(2n ** 62n) - 1n));
    const tensor = new Tensor({ dtype: 'int64', shape: [2], data });
    expect(tensor.toBigInts()).toEqual([1n, -(2n ** 62n) - 1n]);
    expect(() => tensor.toNumbers()).toThrow(FormatError);
    expect(tensor.select(0, 0).toNumbers()).toEqual([1]);
  });

  it('C order of any transposed view is the transposition of its values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), (shape) => {
        const n = shape.reduce((a, b) => a * b, 1);
        const data = bytesOf(Float32Array.from({ length: n }, (_, i) => i));
        const strides = contiguousStrides(shape);
        const view = new Tensor({
          dtype: 'float32',
          data,
          shape: shape.toReversed(),
          strides: strides.toReversed(),
        });
        const fortran = contiguousStrides(shape.toReversed(), 'F');
        expect(view.strides).toEqual(fortran);
        const expected: number[] = [];
        const walk = (axis: number, position: number): void => {
          if (axis === view.shape.length) return void expected.push(position);
          for (let i = 0; i < view.shape[axis]!; i++) walk(axis + 1, position + i * view.strides[axis]!);
        };
        walk(0, 0);
        expect([...view.toFloat32()]).toEqual(expected);
      }),
    );
  });

  it('splits concatenated tensors and wants every byte explained', () => {
    const bytes = bytesOf(Float32Array.of(1, 2, 3, 4, 5));
    const parts = [
      { shape: [1, 3], dtype: 'torch.float32' },
      { shape: [2], dtype: 'float32' },
    ];
    expect(splitTensors(bytes, parts).map((tensor) => tensor.toNumbers())).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(() => splitTensors(bytes.subarray(0, 19), parts)).toThrow(FormatError);
    expect(() => splitTensors(bytes, parts.slice(0, 1))).toThrow(FormatError);
    expect(() => splitTensors(bytes, [{ shape: [20], dtype: 'torch.complex64' }])).toThrow(FormatError);
  });

  it('swaps bytes without touching its input', () => {
    const input = Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7, 8).subarray(1);
    expect([...swapBytes(input, 4)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    expect(input[0]).toBe(1);
  });
});
