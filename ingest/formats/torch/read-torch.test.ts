import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { pythonBytes } from '../../../test/support/python.ts';
import { memorySource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { PickleForbiddenError } from '../pickle/errors.ts';
import { isList, type PickleValue, Tuple } from '../pickle/values.ts';
import { Tensor } from '../tensor/tensor.ts';
import { crc32, crc32c } from './crc32.ts';
import { readTorch, unpickleWithTensors } from './read-torch.ts';
import { TorchDevice, TorchDType } from './storage.ts';

// Written by a real torch: see fixtures/write.py.
const folder = fileURLToPath(new URL('./fixtures/', import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(folder + name));
const expected: Record<string, unknown> = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8'));

const read = (name: string, bytes: Uint8Array = bytesOf(name)): Promise<PickleValue> =>
  name.endsWith('.pickle') ? Promise.resolve(unpickleWithTensors(bytes)) : readTorch(bytes);

function tag(v: PickleValue): unknown {
  if (v instanceof Tensor) {
    return { tensor: v.dtype, shape: v.shape, hex: Buffer.from(v.toBytes()).toString('hex') };
  }
  if (v instanceof TorchDType || v instanceof TorchDevice) return { torch: v.label };
  if (v instanceof Map) return { dict: [...v].map(([key, value]) => [key, tag(value)]) };
  if (v instanceof Tuple) return { tuple: v.items.map(tag) };
  if (isList(v)) return v.map(tag);
  return typeof v === 'bigint' ? Number(v) : v;
}

describe('readTorch', () => {
  it.each(Object.keys(expected))('%s', async (name) => {
    expect(tag(await read(name))).toEqual(expected[name]);
  });

  it('covers every file of the folder', () => {
    const files = readdirSync(folder).filter((name) => /\.(pt|pickle)$/.test(name));
    expect(files.filter((name) => !(name in expected))).toEqual(['module.zip.pt']);
  });

  it('refuses pickled modules by name', async () => {
    await expect(read('module.zip.pt')).rejects.toMatchObject({
      subcode: 'PICKLE_FORBIDDEN',
      global: 'torch.nn.modules.container.Sequential',
    });
    await expect(read('module.zip.pt')).rejects.toBeInstanceOf(PickleForbiddenError);
  });

  it('keeps views as views: shared storages are read once', async () => {
    for (const name of ['views.zip.pt', 'views.legacy.pt']) {
      const views = (await read(name)) as ReadonlyMap<PickleValue, PickleValue>;
      const middle = views.get('middle') as Tensor;
      const shared = views.get('shared') as readonly Tensor[];
      expect(middle.strides).toEqual([12, 1]);
      expect(middle.offset).toBe(4);
      expect(shared.map((tensor) => tensor.data)).toEqual([middle.data, middle.data, middle.data]);
      expect(shared[1]!.data).toBe(middle.data);
    }
  });

  it('reads an archive by ranges, not whole', async () => {
    const script = `
import sys, io, zipfile
b = io.BytesIO(open(sys.argv[1], "rb").read())
with zipfile.ZipFile(b, "a") as z: z.writestr("views.zip/data/unused", bytes(5_000_000))
sys.stdout.buffer.write(b.getvalue())`;
    const file = pythonBytes(['-c', script, `${folder}views.zip.pt`]);
    const source = memorySource(new Uint8Array(file));
    let bytes = 0;
    const value = await readTorch({
      ...source,
      read: (start, end, signal) => {
        bytes += end - start;
        return source.read(start, end, signal);
      },
    });
    expect(tag(value)).toEqual(expected['views.zip.pt']);
    expect(source.size).toBeGreaterThan(5_000_000);
    expect(bytes).toBeLessThan(80_000);
    // A prefix moves every offset of a zip.
    const shifted = new Uint8Array(file.length + 100);
    shifted.set(file, 100);
    await expect(readTorch(shifted)).rejects.toBeInstanceOf(FormatError);
  });

  it('limits what it loads', async () => {
    for (const name of ['dtypes.zip.pt', 'dtypes.legacy.pt']) {
      await expect(readTorch(bytesOf(name), { maxBytes: 700 })).rejects.toMatchObject({ subcode: 'LIMIT' });
    }
  });

  it('says what is wrong', async () => {
    const zip = bytesOf('bare.zip.pt');
    const legacy = bytesOf('bare.legacy.pt');
    const subcode = async (bytes: Uint8Array) =>
      await readTorch(bytes).then(
        () => 'read',
        (error: unknown) => (error instanceof FormatError ? error.subcode : error),
      );
    const patch = (bytes: Uint8Array<ArrayBufferLike>, find: string, replace: string) =>
      new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(find, replace), 'latin1'));
    expect(await subcode(legacy.subarray(0, legacy.length - 1))).toBe('TRUNCATED');
    expect(await subcode(zip.subarray(0, zip.length - 1))).toBe('ZIP_CORRUPT');
    expect(await subcode(new Uint8Array(100))).toBe('TORCH_CORRUPT');
    expect(await subcode(new Uint8Array(0))).toBe('TORCH_CORRUPT');
    expect(await subcode(patch(legacy, 'little_endianq\x02\x88', 'little_endianq\x02\x89'))).toBe(
      'UNSUPPORTED',
    );
    expect(await subcode(patch(zip, 'bare.zip/data.pkl', 'bare/../data.pkl'))).toBe('ZIP_CORRUPT');
    const data = Buffer.from(zip).indexOf(Buffer.from('003c00400042', 'hex'));
    const damaged = zip.slice();
    damaged[data + 4]! ^= 1;
    expect(data).toBeGreaterThan(0);
    expect(await subcode(damaged)).toBe('ZIP_CORRUPT');
  });

  it('survives 10,000 damaged files', async () => {
    const names = Object.keys(expected);
    const files = names.map(bytesOf);
    for (const [kind, count] of [
      ['.pickle', 3_000],
      ['.legacy.pt', 3_500],
      ['.zip.pt', 3_500],
    ] as const) {
      const failure = await fuzz({
        seeds: files.filter((_, i) => names[i]!.endsWith(kind)),
        count,
        seed: 7,
        attempt: async (input) => tag(await read(kind, input)),
        isExpected: (error) => error instanceof FormatError,
      });
      expect(failure).toBeUndefined();
    }
  });

  it('bounds the work of storages that are asked for again and again', () => {
    const blob = Buffer.from(bytesOf('bare.pickle')).toString('latin1');
    const start = blob.indexOf('\x80\x02\x8a\x0a');
    const stream = blob.slice(start, blob.indexOf('\x85', start + 200));
    const length = String.fromCharCode(stream.length & 255, stream.length >> 8, 0, 0);
    const again = 'h\x00h\x01\x85R'.repeat(200_000);
    const bomb = `\x80\x03(ctorch.storage\n_load_from_bytes\nq\x00B${length}${stream}q\x01${again}l.`;
    const started = performance.now();
    expect(() => unpickleWithTensors(new Uint8Array(Buffer.from(bomb, 'latin1')))).toThrow(FormatError);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('crc32', () => {
  /** The definition, a bit at a time. */
  const bitwise = (bytes: Uint8Array, polynomial: number) => {
    let value = 0xffffffff;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    }
    return ~value >>> 0;
  };

  it('is the CRC of zip, for every length and alignment', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, skip) => {
        const part = bytes.subarray(Math.min(skip, bytes.length));
        expect(crc32(part)).toBe(bitwise(part, 0xedb88320));
        expect(crc32c(part)).toBe(bitwise(part, 0x82f63b78));
      }),
    );
  });

  it('gives the check values of the literature and of RFC 3720', () => {
    expect(crc32(new Uint8Array(Buffer.from('123456789')))).toBe(0xcbf43926);
    expect(crc32c(new Uint8Array(Buffer.from('123456789')))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  });
});
