import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson as exactParse } from '../../../formats/json/parse.ts';
import type { JsonValue } from '../../../formats/json/value.ts';
import { splitCsvRecord } from './csv.ts';
import { extraJson, hasLongInteger, jsonText, parseJson } from './json-text.ts';
import { readLines } from './lines.ts';

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('lines', () => {
  const piece = fc.oneof(fc.constantFrom('\n', '\n\n', '\r\n', 'é', '😀', 'abc'), fc.string());

  test('are those of the whole text, however it is cut', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece), sizes, async (pieces, cut) => {
        const text = pieces.join('').replace(/^\ufeff+/, '');
        const bytes = Buffer.from(text.toWellFormed());
        const lines: string[] = [];
        let next = 1;
        let unterminated = false;
        for await (const batch of readLines(inChunks(bytes, cut))) {
          expect(batch.firstLine).toBe(next);
          expect(batch.damaged.size).toBe(0);
          next += batch.lines.length;
          lines.push(...batch.lines);
          unterminated = batch.unterminated;
        }
        const expected = bytes.toString('utf8').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
        expect(unterminated).toBe(bytes.length > 0 && bytes.at(-1) !== 10);
      }),
    );
  });

  test('lines that are not UTF-8 are named, the others are not', async () => {
    const bytes = Buffer.concat([
      Buffer.from('good\n'),
      Buffer.from([0x63, 0xe9, 0x0a]),
      Buffer.from('also\n'),
      Buffer.from([0xff]),
    ]);
    const damaged: number[] = [];
    for await (const batch of readLines(inChunks(bytes, [4]))) {
      for (const i of batch.damaged) damaged.push(batch.firstLine + i);
    }
    expect(damaged).toEqual([2, 4]);
  });

  test('a byte order mark is dropped', async () => {
    for await (const batch of readLines(inChunks(Buffer.from('\ufeffa\n'), [])))
      expect(batch.lines).toEqual(['a']);
  });

  test('cancellation ends the reading', async () => {
    const signal = AbortSignal.abort();
    await expect(async () => {
      for await (const _ of readLines(inChunks(Buffer.from('a\nb\n'), [1]), signal));
    }).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('CSV records', () => {
  const quote = (field: string) => (/[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

  test('splitting undoes quoting', () => {
    const field = fc.oneof(fc.string(), fc.constantFrom('a,b', 'say "x"', '""', ',', 'a\nb', ''));
    fc.assert(
      fc.property(
        fc.array(
          field.filter((text) => !text.includes('\r')),
          { minLength: 1 },
        ),
        fc.boolean(),
        (fields, crlf) => {
          const record = fields.map(quote).join(',') + (crlf ? '\r' : '');
          expect(splitCsvRecord(record)).toEqual(fields);
        },
      ),
    );
  });

  test('an open quote asks for more', () => {
    expect(splitCsvRecord('a,"b')).toBeUndefined();
    expect(splitCsvRecord('a,"b\nc",d')).toEqual(['a', 'b\nc', 'd']);
  });
});

describe('JSON', () => {
  const value: fc.Arbitrary<JsonValue> = fc.jsonValue().map((v) => v as JsonValue);

  test('agrees with the exact parser', () => {
    fc.assert(
      fc.property(value, (v) => {
        const text = JSON.stringify(v);
        expect(parseJson(text)).toEqual(exactParse(text).value);
      }),
    );
  });

  test('what JSON.parse would lose takes the exact way', () => {
    expect(parseJson('{"a": 12345678901234567890}')).toEqual({ a: 12345678901234567890n });
    expect(parseJson('[NaN, -Infinity, 1e999]')).toEqual([Number.NaN, -Infinity, Infinity]);
    expect(jsonText(parseJson('{"a": 9007199254740993, "b": NaN}'))).toBe('{"a":9007199254740993,"b":"NaN"}');
    expect(() => parseJson('{"a": 1')).toThrow();
    expect(() => parseJson('['.repeat(100_000))).toThrow();
    expect(() => parseJson(`${'['.repeat(5000)}${']'.repeat(5000)}`)).toThrow(/200|deep|nest/i);
  });

  test('long integers are seen wherever they are', () => {
    const part = fc.oneof(
      fc.stringMatching(/^[0-9]{1,40}$/),
      fc.constantFrom('.', 'a', ' ', '1.', '-'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join('');
        expect(hasLongInteger(text)).toBe(/(?<![.\d])\d{16}/.test(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('members without a column are kept', () => {
    const known = new Set(['a']);
    expect(extraJson({ a: 1 }, known)).toBeNull();
    expect(extraJson({ a: 1, b: [2], ['__proto__']: 3 }, known)).toBe('{"b":[2],"__proto__":3}');
  });
});
