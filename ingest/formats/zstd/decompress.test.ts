import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { pythonHas, pythonLines } from '../../../test/support/python.ts';
import { FormatError } from '../errors.ts';
import { decompressZstd } from './decompress.ts';
import { walkFrames } from './frames.ts';

/** Frames by the reference implementation, and what is in them. */
const script = `
import base64, io, json, zstandard, numpy as np
rng = np.random.default_rng(0)
f16 = rng.normal(size=(300, 128)).astype("<f2").tobytes()
text = b"".join(b"line %d of some text\\n" % i for i in range(3000))
def put(name, data, frame): print(json.dumps([name, base64.b64encode(data).decode(), base64.b64encode(frame).decode()]))
for level in (1, 3, 19):
    for name, data in (("f16", f16), ("text", text), ("zeros", bytes(300_000)), ("one", b"x"), ("empty", b"")):
        put(f"{name} {level}", data, zstandard.ZstdCompressor(level=level).compress(data))
put("checksum", text, zstandard.ZstdCompressor(write_checksum=True).compress(text))
put("no size", text, zstandard.ZstdCompressor(write_content_size=False).compress(text))
out = io.BytesIO()
with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as w:
    for i in range(0, len(f16), 5000): w.write(f16[i:i + 5000])
put("stream", f16, out.getvalue())
skip = (0x184D2A53).to_bytes(4, "little") + (7).to_bytes(4, "little") + b"skipped"
a, b = zstandard.ZstdCompressor().compress(text), zstandard.ZstdCompressor().compress(f16)
put("several", text + f16 + text, a + skip + b + a)
put("threads", f16 * 40, zstandard.ZstdCompressor(threads=2).compress(f16 * 40))`;

const cases = pythonLines(['numpy', 'zstandard'], ['-c', script])
  .map((line): [string, string, string] => JSON.parse(line))
  .map(([name, data, frame]) => ({
    name,
    data: new Uint8Array(Buffer.from(data, 'base64')),
    frame: new Uint8Array(Buffer.from(frame, 'base64')),
  }));
const byName = (name: string) => cases.find((c) => c.name === name)!;

describe.skipIf(!pythonHas('numpy', 'zstandard'))('decompressZstd', () => {
  it.each(cases)('$name', ({ data, frame }) => {
    const content = decompressZstd(frame, data.length);
    expect(Buffer.compare(content, data)).toBe(0);
    // The same in plain JavaScript, which takes over for very large frames.
    expect(Buffer.compare(decompressZstd(frame, data.length, 0), data)).toBe(0);
    const frames = walkFrames(frame);
    expect(frames.maxSize).toBeGreaterThanOrEqual(data.length);
    if (frames.exact) expect(frames.maxSize).toBe(data.length);
  });

  it('obeys the limit before it allocates', () => {
    for (const name of ['zeros 3', 'several', 'stream', 'no size']) {
      const { data, frame } = byName(name);
      expect(() => decompressZstd(frame, data.length - 1)).toThrow(
        expect.objectContaining({ subcode: 'LIMIT' }),
      );
    }
    // A frame of one RLE block repeated: 4 bytes a 128 KiB, declared as 2^50 bytes.
    const header = Buffer.from('28b52ffde00000000000000400', 'hex');
    const block = Buffer.from([2 | ((131072 << 3) & 0xff), (131072 >> 5) & 0xff, (131072 >> 13) & 0xff, 0]);
    const bomb = Buffer.concat([header, ...Array.from({ length: 1000 }, () => block)]);
    expect(() => decompressZstd(bomb, 2 ** 31)).toThrow(FormatError);
  });

  it('notices damage', () => {
    const { data, frame } = byName('checksum');
    const damaged = frame.slice();
    damaged[frame.length - 1]! ^= 1;
    expect(() => decompressZstd(damaged, data.length)).toThrow(
      expect.objectContaining({ subcode: 'CODEC_CORRUPT' }),
    );
    for (let end = 1; end < frame.length; end += 97) {
      expect(() => decompressZstd(frame.subarray(0, end), data.length)).toThrow(
        expect.objectContaining({ subcode: 'TRUNCATED' }),
      );
    }
    expect(() => decompressZstd(new Uint8Array(20), 100)).toThrow(FormatError);
  });

  it('survives 10,000 damaged frames', async () => {
    const before = process.memoryUsage().rss;
    const failure = await fuzz({
      seeds: cases.filter((c) => c.frame.length < 100_000).map((c) => c.frame),
      count: 10_000,
      seed: 3,
      attempt: (input) => {
        const content = decompressZstd(input, 2_000_000);
        if (content.length > 2_000_000) throw new Error('more than the limit');
      },
      isExpected: (error) => error instanceof FormatError,
    });
    expect(failure).toBeUndefined();
    const inScript = await fuzz({
      seeds: cases.filter((c) => c.frame.length < 100_000).map((c) => c.frame),
      count: 1_000,
      seed: 4,
      attempt: (input) => decompressZstd(input, 2_000_000, 0),
      isExpected: (error) => error instanceof FormatError,
    });
    expect(inScript).toBeUndefined();
    expect(process.memoryUsage().rss - before).toBeLessThan(500e6);
    // The decoder still works after all that.
    const { data, frame } = byName('several');
    expect(Buffer.compare(decompressZstd(frame, data.length), data)).toBe(0);
  });
});
