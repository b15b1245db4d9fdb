import {
  BIGINT,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimestampTZValue,
  FLOAT,
  INTERVAL,
  LIST,
  listValue,
  STRUCT,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Output } from '../protocol/output.ts';
import { arrayItems } from '../sql/array-literal.ts';
import { codecOf } from './codecs.ts';
import { float4Text, float8Text, readNumeric, writeNumeric } from './numbers.ts';
import { parameterNode } from './parameters.ts';

describe('numbers', () => {
  it('are written as PostgreSQL does', () => {
    const cases: [number, string][] = [
      [0, '0'],
      [-0, '-0'],
      [1, '1'],
      [0.1, '0.1'],
      [100000, '100000'],
      [1e14, '100000000000000'],
      [1e15, '1e+15'],
      [123456789012345680, '1.2345678901234568e+17'],
      [0.0001, '0.0001'],
      [0.00001, '1e-05'],
      [-2.5e-7, '-2.5e-07'],
      [Number.NaN, 'NaN'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      [5e-324, '5e-324'],
      [1.7976931348623157e308, '1.7976931348623157e+308'],
    ];
    for (const [value, text] of cases) expect(float8Text(value)).toBe(text);
    expect(float4Text(Math.fround(0.1))).toBe('0.1');
    expect(float4Text(1e6)).toBe('1e+06');
    expect(float4Text(123456)).toBe('123456');
    expect(float4Text(Math.fround(3.4028235e38))).toBe('3.4028235e+38');
  });

  it('read back as themselves', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(Number(float8Text(value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.float(), (value) => {
        expect(Math.fround(Number(float4Text(value)))).toBe(value);
      }),
    );
  });

  it('of any precision survive the binary form of numeric', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 38n), 10n ** 38n), fc.nat(38), (value, scale) => {
        const text = codecOf(DECIMAL(38, scale)).text(new DuckDBDecimalValue(value, 38, scale));
        const out = new Output();
        writeNumeric(out, text);
        expect(readNumeric(out.take())).toBe(text === '-0' ? '0' : text);
      }),
    );
  });
});

describe('texts of values', () => {
  it('are those of PostgreSQL', () => {
    const timestamp = codecOf(TIMESTAMPTZ);
    expect(timestamp.text(new DuckDBTimestampTZValue(1_769_000_000_123_400n))).toBe(
      '2026-01-21 12:53:20.1234+00',
    );
    expect(timestamp.text(new DuckDBTimestampTZValue(-1n))).toBe('1969-12-31 23:59:59.999999+00');
    expect(codecOf(DATE).text(new DuckDBDateValue(-719_163))).toBe('0001-12-31 BC');
    expect(codecOf(INTERVAL).text(new DuckDBIntervalValue(-14, 3, -1_500_000n))).toBe(
      '-1 years -2 mons +3 days -00:00:01.5',
    );
    expect(codecOf(INTERVAL).text(new DuckDBIntervalValue(0, 0, 0n))).toBe('00:00:00');
    expect(codecOf(LIST(VARCHAR)).text(listValue(['a', null, '', 'x,y', 'q"\\', 'null']))).toBe(
      '{a,NULL,"","x,y","q\\"\\\\","null"}',
    );
    expect(codecOf(LIST(LIST(BIGINT))).text(listValue([listValue([1n]), listValue([])]))).toBe('[[1],[]]');
  });

  it('of dates agree with JavaScript', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(codecOf(DATE).text(new DuckDBDateValue(days))).toBe(
          new Date(days * 86_400_000).toISOString().slice(0, 10),
        );
      }),
    );
  });

  it('of arrays are read back', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string())), (items) => {
        expect(arrayItems(codecOf(LIST(VARCHAR)).text(listValue(items)))).toEqual(items);
      }),
    );
  });

  it('name the types of PostgreSQL', () => {
    expect(
      [DOUBLE, LIST(FLOAT), STRUCT({ a: BIGINT }), DECIMAL(10, 2)].map((type) => codecOf(type).type.name),
    ).toEqual(['float8', '_float4', 'json', 'numeric']);
    expect(codecOf(DECIMAL(10, 2)).modifier).toBe(((10 << 16) | 2) + 4);
  });
});

describe('parameters', () => {
  it('are constants or refused, whatever the bytes', () => {
    const oid = fc.constantFrom(
      0,
      16,
      17,
      20,
      21,
      23,
      25,
      114,
      700,
      701,
      1007,
      1009,
      1021,
      1082,
      1114,
      1184,
      1186,
      1266,
      1700,
      2950,
      3802,
      9999,
    );
    fc.assert(
      fc.property(
        oid,
        fc.uint8Array({ maxLength: 64 }),
        fc.constantFrom<0 | 1>(0, 1),
        (type, bytes, format) => {
          try {
            expect(parameterNode(Buffer.from(bytes), format, type)).toHaveProperty('class');
          } catch (error) {
            expect(error).toHaveProperty('sqlstate');
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
