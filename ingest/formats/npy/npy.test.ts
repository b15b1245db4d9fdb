import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { pythonHas, pythonLines } from '../../../test/support/python.ts';
import { memorySource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { ObjectArray } from '../pickle/values.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rawArray } from './array.ts';
import { parseLiteral } from './literal.ts';
import { openNpy, readNpy, readNpyObjects, readNpyStrings } from './npy.ts';

/** Files by numpy; the values as little-endian bytes in C order, or as a list. */
const script = `
import base64, io, json
import numpy as np
from numpy.lib import format
b64 = lambda b: base64.b64encode(b).decode()
def put(kind, name, a, file, values): print(json.dumps([kind, name, list(a.shape), a.dtype.name, b64(file), values]))
def save(a, version=None):
    f = io.BytesIO()
    format.write_array(f, a, version=version)
    return f.getvalue()
for code in ["?", "<i1", "<u1", "<i2", ">i2", "<u2", "<i4", ">i4", "<u4", "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
    for shape in [(), (7,), (4, 3), (2, 3, 4), (3, 1, 2, 5), (0, 3)]:
        a = (np.arange(int(np.prod(shape))) * 11 % 113).astype(code).reshape(shape)
        for version in [(1, 0), (2, 0), (3, 0)]:
            for b in (a, np.asfortranarray(a)):
                little = np.ascontiguousarray(b.astype(b.dtype.newbyteorder("<"))).tobytes()
                put("number", f"{code} {shape} {version} {b.flags.f_contiguous}", b, save(b, version), b64(little))
for a in (np.array(["a", "", "東京 x"]), np.array([["x", "yz"]], ">U5"), np.array([b"ab", b"c", "\\ufeffd".encode()])):
    put("text", str(a.dtype), a, save(a), [x.decode() if isinstance(x, bytes) else x for x in a.ravel().tolist()])
o = np.array([None, "s", [1, 2.5]], dtype=object)
put("object", "object", o, save(o), None)
for name, a in (("record", np.zeros(2, [("a", "i4")])), ("complex", np.zeros(2, "c8")), ("date", np.zeros(2, "M8[s]"))):
    put("refused", name, a, save(a), None)`;

const cases = pythonLines(['numpy'], ['-W', 'ignore', '-c', script])
  .map((line): [string, string, number[], string, string, unknown] => JSON.parse(line))
  .map(([kind, name, shape, dtype, file, values]) => ({
    kind,
    name,
    shape,
    dtype,
    bytes: new Uint8Array(Buffer.from(file, 'base64')),
    values,
  }));
const ofKind = (kind: string) => cases.filter((c) => c.kind === kind);
const base64 = (tensor: Tensor) => Buffer.from(tensor.toBytes()).toString('base64');

describe.skipIf(!pythonHas('numpy'))('npy', () => {
  it('reads every type, shape, order, byte order and version of numpy', async () => {
    expect(ofKind('number')).toHaveLength(18 * 6 * 3 * 2);
    for (const { name, shape, dtype, bytes, values } of ofKind('number')) {
      const tensor = await readNpy(bytes);
      expect([name, tensor.dtype, tensor.shape, base64(tensor)]).toEqual([name, dtype, shape, values]);
    }
  });

  it('reads rows and sub-arrays, and of C-order files only their bytes', async () => {
    for (const { name, shape, bytes } of ofKind('number').filter((c) => c.shape.length === 4)) {
      const whole = await readNpy(bytes);
      let read = 0;
      const source = memorySource(bytes);
      const array = await openNpy({
        ...source,
        read: (start, end, signal) => {
          read = end - start;
          return source.read(start, end, signal);
        },
      });
      const rows = await array.readRows(1, 3);
      expect(rows.shape).toEqual([2, ...shape.slice(1)]);
      expect([name, base64(rows)]).toEqual([name, base64(whole.narrow(0, 1, 2))]);
      const fortran = name.endsWith('True');
      if (!fortran) expect(read).toBe(2 * array.rowBytes);
      expect(base64(await array.readAt([2, 0, 1]))).toBe(
        base64(whole.select(0, 2).select(0, 0).select(0, 1)),
      );
      if (!fortran) expect(read).toBe(array.rowBytes / 2);
      await expect(array.readRows(2, 4)).rejects.toThrow('no elements');
    }
  });

  it('reads strings', async () => {
    for (const { bytes, shape, values } of ofKind('text')) {
      expect(await readNpyStrings(memorySource(bytes))).toEqual({ shape, values });
      await expect(readNpy(bytes)).rejects.toMatchObject({ subcode: 'UNSUPPORTED' });
    }
  });

  it('refuses object arrays by default and reads them through the allow-list when asked', async () => {
    const { bytes } = ofKind('object')[0]!;
    await expect(readNpy(bytes)).rejects.toThrow(/pickled Python objects/);
    const value = await readNpyObjects(memorySource(bytes));
    expect(value).toEqual(new ObjectArray([3], [null, 's', [1, 2.5]]));
  });

  it.each(ofKind('refused'))('refuses $name arrays', async ({ bytes }) => {
    await expect(readNpy(bytes)).rejects.toMatchObject({ subcode: 'UNSUPPORTED' });
  });

  it('checks the size exactly', async () => {
    const { bytes } = ofKind('number').find((c) => c.name.startsWith('<f4 (4, 3)'))!;
    await expect(readNpy(bytes.subarray(0, bytes.length - 1))).rejects.toMatchObject({
      subcode: 'TRUNCATED',
    });
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await expect(readNpy(longer)).rejects.toMatchObject({ subcode: 'NPY_CORRUPT' });
  });

  it('survives 10,000 damaged files', async () => {
    const failure = await fuzz({
      seeds: cases.map((c) => c.bytes),
      count: 10_000,
      seed: 11,
      focus: [0, 128],
      attempt: async (input) => {
        const source = memorySource(input);
        const rejected = await readNpy(input).then(
          (tensor) => void tensor.toFloat32(),
          (error: unknown) => error,
        );
        if (!(rejected instanceof FormatError) || rejected.subcode !== 'UNSUPPORTED') {
          if (rejected !== undefined) throw rejected;
          return;
        }
        await readNpyStrings(source).catch(() => readNpyObjects(source));
      },
      isExpected: (error) => error instanceof FormatError,
    });
    expect(failure).toBeUndefined();
  });
});

describe('rawArray', () => {
  it('reads a headerless dump whose size fits exactly', async () => {
    const values = Float32Array.from({ length: 24 }, (_, i) => i / 4);
    const source = memorySource(new Uint8Array(values.buffer), 'response_activations.npy');
    const array = rawArray(source, 'float32', [4, 3, 2]);
    expect((await array.readRows(1, 2)).toFloat32()).toEqual(values.slice(6, 12));
    expect((await array.readAt([3, 2])).toNumbers()).toEqual([5.5, 5.75]);
    expect(() => rawArray(source, 'float32', [4, 3, 3])).toThrow(
      expect.objectContaining({ subcode: 'TRUNCATED' }),
    );
    expect(() => rawArray(source, 'float16', [4, 3, 2])).toThrow(
      expect.objectContaining({ subcode: 'NPY_CORRUPT' }),
    );
  });
});

describe('parseLiteral', () => {
  it('reads back what Python would write', () => {
    const { literal } = fc.letrec<{ literal: unknown; leaf: unknown }>((tie) => ({
      leaf: fc.oneof(
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.stringMatching(/^[a-z<> |']*$/),
      ),
      literal: fc.oneof({ maxDepth: 3 }, tie('leaf'), fc.array(tie('literal'), { maxLength: 4 })),
    }));
    const python = (value: unknown): string => {
      if (value === null) return 'None';
      if (typeof value === 'boolean') return value ? 'True' : 'False';
      if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
      return typeof value === 'string' ? `"${value}"` : String(value);
    };
    fc.assert(
      fc.property(literal, (value) => {
        expect(parseLiteral(python(value))).toEqual(value === 0 ? 0 : value);
      }),
    );
  });

  it('evaluates nothing', () => {
    const bad = [
      '__import__("os")',
      '1+1',
      '{1: 2}',
      "{'a' 1}",
      '(1 2)',
      '[1,,2]',
      "'a",
      '{',
      '',
      '1e5',
      '-',
      'true',
      '('.repeat(50),
    ];
    for (const text of bad) expect(() => parseLiteral(text)).toThrow(FormatError);
    expect(parseLiteral("{'shape': (3L,), }")).toEqual(new Map([['shape', { tuple: [3] }]]));
  });
});
