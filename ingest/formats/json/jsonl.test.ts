import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../bytes/byte-source.ts';
import { type JsonlLine, type JsonlOptions, readJsonl } from './jsonl.ts';

async function read(
  bytes: Uint8Array | string,
  options?: JsonlOptions,
  chunk = 1 << 20,
): Promise<JsonlLine[]> {
  const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const out: JsonlLine[] = [];
  async function* chunks() {
    for (let i = 0; i < whole.length; i += chunk) yield whole.subarray(i, i + chunk);
  }
  for await (const batch of readJsonl(chunks(), options)) out.push(...batch);
  return out;
}

const brief = (lines: JsonlLine[]) =>
  lines.map((line) => [
    line.line,
    line.byteOffset,
    line.error === undefined ? line.value : line.error.subcode,
  ]);

describe('readJsonl', () => {
  it('numbers lines and bytes over LF, CRLF, blank lines and a missing last newline', async () => {
    const text = '{"a":1}\r\n\n  \n"größe"\n[NaN]\n{"last":true}';
    expect(brief(await read(text))).toEqual([
      [1, 0, { a: 1 }],
      [4, 13, 'größe'],
      [5, 23, [Number.NaN]],
      [6, 29, { last: true }],
    ]);
  });

  it('tells a torn last line from a bad one', async () => {
    expect(brief(await read('{"a":1}\n{"a":\n{"a":2}\n{"a":3'))).toEqual([
      [1, 0, { a: 1 }],
      [2, 8, 'BAD_JSON'],
      [3, 14, { a: 2 }],
      [4, 22, 'TRUNCATED_LINE'],
    ]);
    expect(brief(await read('1\n{"a":\n'))).toEqual([
      [1, 0, 1],
      [2, 2, 'BAD_JSON'],
    ]);
    // Cut in the middle of a character.
    expect(brief(await read(Buffer.from('1\n"gr\u00f6').subarray(0, -1)))[1]).toEqual([
      2,
      2,
      'TRUNCATED_LINE',
    ]);
    expect(brief(await read(Buffer.concat([Buffer.from('1\n'), Buffer.alloc(5000)])))[1]).toEqual([
      2,
      2,
      'TRUNCATED_LINE',
    ]);
    expect(brief(await read(`1\n{"a":1}${'\0'.repeat(9)}`))[1]).toEqual([2, 2, 'TRUNCATED_LINE']);
  });

  it('reports line, file and pointer of a bad line and goes on', async () => {
    const [, bad, good] = await read('1\n{"x": {"y": oops}}\n3\n', { file: 'g.jsonl' });
    expect(bad?.error).toMatchObject({
      subcode: 'BAD_JSON',
      where: { file: 'g.jsonl', line: 2, pointer: '/x/y' },
    });
    expect(bad?.error === undefined ? '' : bad.text).toBe('{"x": {"y": oops}}');
    expect(good).toMatchObject({ line: 3, value: 3 });
    const mixed = await read(Buffer.from([0x31, 0x0a, 0x22, 0xff, 0x22, 0x0a, 0x32]));
    expect(brief(mixed)).toEqual([
      [1, 0, 1],
      [2, 2, 'NON_UTF8'],
      [3, 6, 2],
    ]);
  });

  it('skips lines over the limit without holding them', async () => {
    const text = `1\n"${'x'.repeat(5000)}"\n2\n"${'y'.repeat(5000)}"`;
    for (const chunk of [100, 1 << 20]) {
      expect(brief(await read(text, { maxLineBytes: 1000 }, chunk))).toEqual([
        [1, 0, 1],
        [2, 2, 'LIMIT'],
        [3, 5005, 2],
        [4, 5007, 'LIMIT'],
      ]);
    }
  });

  it('reads gzip by its magic number and reports a damaged stream', async () => {
    const text = Array.from({ length: 5000 }, (_, i) => `{"i":${i},"r":"${Math.sin(i)}"}\n`).join('');
    const zipped = gzipSync(text);
    for (const chunk of [13, 1000])
      expect(brief(await read(zipped, {}, chunk))).toEqual(brief(await read(text)));
    const two = Buffer.concat([gzipSync('1\n'), gzipSync('2\n')]);
    expect(brief(await read(two)).map(([, , value]) => value)).toEqual([1, 2]);
    const cut = await read(zipped.subarray(0, zipped.length >> 1));
    expect(cut.length).toBeGreaterThan(100);
    expect(cut.at(-1)?.error?.subcode).toBe('TRUNCATED');
    const broken = Buffer.from(zipped);
    broken.fill(0xff, 2000, 2100);
    expect((await read(broken)).at(-1)?.error?.subcode).toBe('BAD_GZIP');
  });

  it('does not depend on how the bytes are cut into chunks', async () => {
    const line = fc.oneof(
      fc.jsonValue().map((v) => JSON.stringify(v)),
      fc.constantFrom('', '{"a":', 'NaN', ' '),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        async (lines, last, chunk) => {
          const text = lines.join('\n') + (last ? '\n' : '');
          expect(await read(text, {}, chunk)).toEqual(await read(text));
        },
      ),
    );
  });

  it('hands out batches, reads sources, stops when told to', async () => {
    const source = memorySource(Buffer.from('1\n'.repeat(2500)));
    const sizes: number[] = [];
    for await (const batch of readJsonl(source)) sizes.push(batch.length);
    expect(sizes).toEqual([1000, 1000, 500]);
    const signal = AbortSignal.abort();
    await expect(readJsonl(source, { signal }).next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
