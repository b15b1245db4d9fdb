import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyCharacter } from '../../test/support/any-character.ts';
import type { Column, ColumnType } from '../tables/schema.ts';
import { parseExact, stringifyExact } from './json.ts';
import { decodePath, encodePath } from './paths.ts';
import { isoMillis, parseTimestamp } from './timestamps.ts';
import { evolvedColumns, parseSchemaString, toSchemaString } from './types.ts';
import { compareUtf8, prefixOf, upperBoundOf } from './utf8-order.ts';

const text = fc.string({ unit: anyCharacter });
const utf8 = (value: string) => Buffer.from(value, 'utf8');

describe('paths', () => {
  test('every object name survives encoding', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !/^\.{1,2}$|\//.test(s));
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const name = segments.join('/');
        const encoded = encodePath(name);
        expect(encoded).toMatch(/^[A-Za-z0-9\-_.!~*'()%=/]+$/);
        expect(decodePath(encoded)).toBe(name);
      }),
    );
  });

  test('a hive folder that is already escaped is escaped again', () => {
    expect(encodePath('run=a%20b/part 1.parquet')).toBe('run=a%2520b/part%201.parquet');
    expect(decodePath('run=a%2520b/part%201.parquet')).toBe('run=a%20b/part 1.parquet');
  });

  test.each(['/etc/passwd', 'file:/x', 's3://b/x', 'a/../../x', '%2E%2E/x', 'a//b', './a', 'a%', ''])(
    'refuses %j',
    (path) => {
      expect(() => decodePath(path)).toThrow();
    },
  );
});

describe('JSON', () => {
  test('bigints keep every digit', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
        fc.string({ unit: anyCharacter }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    const normal = (value: unknown): unknown => {
      if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
      if (Array.isArray(value)) return value.map(normal);
      if (typeof value === 'object' && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, normal(member)]));
      }
      return value;
    };
    fc.assert(
      fc.property(json, (value) => {
        const parsed = parseExact(stringifyExact(value as never));
        expect(parsed).toEqual(normal(value));
      }),
    );
  });

  test('digits inside texts, keys and fractions stay what they are', () => {
    const source =
      '{"12345678901234567890":"\\"98765432109876543210\\"","f":1.2345678901234567890,"e":1e300}';
    expect(parseExact(source)).toEqual(JSON.parse(source));
    expect(parseExact('[9223372036854775807,-9223372036854775808]')).toEqual([
      9223372036854775807n,
      -9223372036854775808n,
    ]);
  });

  test('refuses what is no JSON', () => {
    for (const source of ['12345678901234567890123 x', '{"a":0123456789012345678}']) {
      expect(() => parseExact(source)).toThrow(SyntaxError);
    }
  });
});

describe('order of texts', () => {
  test('is the order of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(utf8(a), utf8(b)));
      }),
      { numRuns: 1000 },
    );
    expect(compareUtf8('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
  });

  test('bounds enclose the text, are short and hold whole characters', () => {
    const edgy = fc.string({
      unit: fc.constantFrom('a', '\u007f', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', 'é'),
    });
    fc.assert(
      fc.property(fc.oneof(text, edgy), fc.integer({ min: 0, max: 6 }), (value, count) => {
        const low = prefixOf(value, count);
        expect(low.isWellFormed()).toBe(true);
        expect([...low].length).toBeLessThanOrEqual(count);
        expect(Buffer.compare(utf8(low), utf8(value))).toBeLessThanOrEqual(0);
        const high = upperBoundOf(value, count);
        if (high === undefined) {
          expect([...value].slice(0, count).every((char) => char === '\u{10ffff}')).toBe(true);
          return;
        }
        expect(high.isWellFormed()).toBe(true);
        expect([...high].length).toBeLessThanOrEqual(count);
        expect(Buffer.compare(utf8(high), utf8(value))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('timestamps', () => {
  test.each([
    ['2026-01-01 00:00:39.123456+00', 1_767_225_639_123_456n],
    ['2026-01-01 05:30:39.1+05:30', 1_767_225_639_100_000n],
    ['2025-12-31T19:00:39-05', 1_767_225_639_000_000n],
    ['2026-01-01T00:00:39.123Z', 1_767_225_639_123_000n],
    ['1969-12-31 23:59:59.999999+00', -1n],
    ['0044-03-15 12:00:00+00', -60_772_248_000_000_000n],
    ['infinity', undefined],
    ['-infinity', undefined],
    ['0044-03-15 (BC) 12:00:00+00', undefined],
    ['12026-01-01 00:00:00+00', undefined],
    ['2026-02-30 00:00:00+00', undefined],
  ])('%s', (printed, micros) => {
    expect(parseTimestamp(printed)).toBe(micros);
  });

  test('milliseconds enclose the microseconds', () => {
    const years0to9999 = fc.bigInt({ min: -62_167_219_200_000_000n, max: 253_402_300_799_998_999n });
    fc.assert(
      fc.property(years0to9999, (micros) => {
        const [down, up] = [isoMillis(micros, 'down')!, isoMillis(micros, 'up')!];
        const [low, high] = [BigInt(Date.parse(down)) * 1000n, BigInt(Date.parse(up)) * 1000n];
        expect(low <= micros && micros <= high).toBe(true);
        expect(high - low).toBe(micros % 1000n === 0n ? 0n : 1000n);
      }),
    );
    expect(isoMillis(253_402_300_799_999_001n, 'up')).toBeUndefined();
  });
});

describe('schemas', () => {
  const types: ColumnType[] = [
    'string',
    'json',
    'long',
    'integer',
    'double',
    'boolean',
    'timestamp',
    'date',
    'float[]',
    'string[]',
    'long[]',
  ];
  const column: fc.Arbitrary<Column> = fc.record({
    name: fc.string({ minLength: 1 }),
    type: fc.constantFrom(...types),
    nullable: fc.boolean(),
    doc: fc.string({ unit: 'grapheme' }),
  });

  test('columns survive the schema text', () => {
    fc.assert(
      fc.property(fc.array(column), (columns) => {
        expect(parseSchemaString(toSchemaString(columns))).toEqual(columns);
      }),
    );
  });

  test('the types are those of the protocol', () => {
    const schema = JSON.parse(toSchemaString(types.map((type) => ({ name: type, type, doc: '' }))));
    const array = (elementType: string) => ({ type: 'array', elementType, containsNull: false });
    expect(schema.fields.map((field: { type: unknown }) => field.type)).toEqual([
      'string',
      'string',
      'long',
      'integer',
      'double',
      'boolean',
      'timestamp',
      'date',
      array('float'),
      array('string'),
      array('long'),
    ]);
    expect(schema.fields[1].metadata).toEqual({ 'runlake.type': 'json' });
  });

  test.each([
    '"decimal(10,2)"',
    '"binary"',
    '"timestamp_ntz"',
    '{"type":"struct","fields":[]}',
    '7',
    '"float[]"',
  ])('refuses a column of type %s', (type) => {
    const schema = `{"type":"struct","fields":[{"name":"x","type":${type},"nullable":true,"metadata":{}}]}`;
    expect(() => parseSchemaString(schema)).toThrow(/column x has type/);
  });

  test('evolution keeps columns and order and adds at the end', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(column, { selector: (c) => c.name }),
        fc.uniqueArray(column, { selector: (c) => c.name }),
        (current, others) => {
          const known = new Set(current.map((c) => c.name));
          const added = others.filter((c) => !known.has(c.name)).map((c) => ({ ...c, nullable: true }));
          const evolved = evolvedColumns(current, [...added, ...current]);
          expect(evolved ?? current).toEqual([...current, ...added]);
        },
      ),
    );
  });
});
