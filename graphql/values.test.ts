import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorKeys, decodeCursor, encodeCursor, queryHash } from './plan/cursor.ts';
import { ValueIssues } from './value-issues.ts';
import { base64Floats, exactInteger, parseJsonExactly } from './values.ts';

describe('parseJsonExactly', () => {
  it('is JSON.parse where that is exact', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const hasLongInteger = /\d{16}/.test(text);
        if (!hasLongInteger) expect(parseJsonExactly(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps every digit of large integers, and leaves strings and fractions alone', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }), fc.string(), (integer, text) => {
        const quoted = JSON.stringify(`${text}${integer}`);
        const parsed = parseJsonExactly(
          `{"a":${integer},"b":[-${integer}, 1.5],"c":${quoted},${quoted}:0.12345678901234567890}`,
        );
        expect(parsed).toEqual({
          a: String(integer),
          b: [`-${integer}`, 1.5],
          c: `${text}${integer}`,
          [`${text}${integer}`]: Number('0.12345678901234567890'),
        });
      }),
    );
    expect(parseJsonExactly('[9007199254740991, 9007199254740993, 1234567890123456789e3]')).toEqual([
      9_007_199_254_740_991,
      '9007199254740993',
      Number('1234567890123456789e3'),
    ]);
  });

  it('throws on what is not JSON', () => {
    for (const text of ['NaN', '{', '[1234567890123456789', ''])
      expect(() => parseJsonExactly(text)).toThrow(SyntaxError);
  });
});

it('exactInteger is a number exactly where a number is exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const json = exactInteger(value);
      expect(BigInt(json)).toBe(value);
      expect(typeof json).toBe(value < 2n ** 53n && value > -(2n ** 53n) ? 'number' : 'string');
    }),
  );
});

it('base64Floats is the little-endian bytes', () => {
  fc.assert(
    fc.property(fc.float32Array(), (values) => {
      const bytes = Buffer.from(base64Floats(values), 'base64');
      expect(Array.from(values, (_, i) => bytes.readFloatLE(i * 4))).toEqual(Array.from(values));
    }),
  );
  expect(base64Floats(new Float32Array([0, 1, 2]).subarray(1, 2))).toBe('AACAPw==');
});

describe('cursors', () => {
  it('come back as they were, whatever the values of the keys', () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    );
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(value, { maxLength: 8 }),
        fc.integer({ min: 1 }),
        (snapshot, values, ties) => {
          const cursor = { snapshot, hash: 'h', keys: cursorKeys(values), ties };
          // JSON has no negative zero; to the engine the two zeros are equal.
          const normal = JSON.parse(JSON.stringify(cursor));
          expect(decodeCursor(encodeCursor(cursor))).toEqual(normal);
        },
      ),
    );
  });

  it('depend on filter and order, but not on the page', () => {
    const hash = queryHash('runs', { filter: { seed: { eq: 1n }, method: { eq: 'x' } }, first: 10 });
    expect(
      queryHash('runs', { first: 99, after: 'c', filter: { method: { eq: 'x' }, seed: { eq: 1n } } }),
    ).toBe(hash);
    expect(queryHash('runs', { filter: { seed: { eq: 2n }, method: { eq: 'x' } } })).not.toBe(hash);
    expect(queryHash('issues', { filter: { seed: { eq: 1n }, method: { eq: 'x' } } })).not.toBe(hash);
    expect(queryHash('runs', { filter: { and: ['a', 'b'] } })).not.toBe(
      queryHash('runs', { filter: { and: ['b', 'a'] } }),
    );
  });
});

it('ValueIssues reports a bounded number of values, and counts all', () => {
  const issues = new ValueIssues();
  for (let i = 0; i < 1000; i++) issues.add(['a', i], 'x'.repeat(10_000), 'm');
  expect(issues.count).toBe(1000);
  expect(JSON.stringify(issues.reported).length).toBeLessThan(50_000);
});
