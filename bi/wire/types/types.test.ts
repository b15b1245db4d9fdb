import {
  ARRAY,
  arrayValue,
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBIntervalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  INTERVAL,
  LIST,
  listValue,
  SMALLINT,
  STRUCT,
  structValue,
  TIME,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Vector } from '../../../lake/engine/vector.ts';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { Output } from '../protocol/output.ts';
import { arrayItems } from '../sql/array-literal.ts';
import { timestampText, writeTimestamp } from './civil.ts';
import { codecOf } from './codecs.ts';
import { float4Text, float8Text, readNumeric, writeFloat4, writeFloat8, writeNumeric } from './numbers.ts';
import { parameterNode } from './parameters.ts';

/** What clients get of values that are in a vector of this type; null for null. */
function sent(type: DuckDBType, values: readonly DuckDBValue[], form: 'text' | 'binary'): (Buffer | null)[] {
  const chunk = DuckDBDataChunk.create([type], values.length);
  chunk.setColumnValues(0, [...values]);
  const vector = new Vector(duckdb.data_chunk_get_vector(chunk.chunk, 0), values.length, type);
  const write = codecOf(type)[form](vector);
  return values.map((_, row) => {
    if (vector.isNull(row)) return null;
    const out = new Output(16);
    write(row, out);
    return out.take();
  });
}

const texts = (type: DuckDBType, ...values: readonly DuckDBValue[]) =>
  sent(type, values, 'text').map((bytes) => bytes?.toString() ?? null);
const binaries = (type: DuckDBType, ...values: readonly DuckDBValue[]) => sent(type, values, 'binary');

function written(write: (out: Output) => void): string {
  const out = new Output(1);
  write(out);
  return out.take().toString();
}

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
    for (const [value, text] of cases) {
      expect(float8Text(value)).toBe(text);
      expect(written((out) => writeFloat8(out, value))).toBe(text);
    }
    const floats: [number, string][] = [
      [0.1, '0.1'],
      [1e6, '1e+06'],
      [123456, '123456'],
      [3.4028235e38, '3.4028235e+38'],
      [1e-45, '1e-45'],
      [-0, '-0'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
    ];
    for (const [value, text] of floats) {
      expect(float4Text(Math.fround(value))).toBe(text);
      expect(written((out) => writeFloat4(out, Math.fround(value)))).toBe(text);
    }
  });

  it('between two decimals, or two floats, are written as PostgreSQL does', () => {
    // Half way between two decimals: the even one.
    for (const [value, text] of [
      [270.640625, '270.64062'],
      [0.000244140625, '0.00024414062'],
    ] as const) {
      expect(float4Text(value)).toBe(text);
      expect(written((out) => writeFloat4(out, value))).toBe(text);
    }
    // A decimal half way between two floats is neither; below a power of two floats lie closer.
    expect(float4Text(35218128)).toBe('3.5218128e+07');
    expect(float4Text(2 ** -96)).toBe('1.2621775e-29');
    expect(float8Text(7.31e21)).toBe('7.310000000000001e+21');
    expect(float8Text(-662616258102776000)).toBe('-6.626162581027761e+17');
  });

  it('read back as themselves', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(Number(float8Text(value))).toBe(value);
        expect(written((out) => writeFloat8(out, value))).toBe(float8Text(value));
      }),
    );
    fc.assert(
      fc.property(fc.float(), (value) => {
        expect(Math.fround(Number(float4Text(value)))).toBe(value);
        expect(written((out) => writeFloat4(out, value))).toBe(float4Text(value));
      }),
    );
  });

  it('of few decimals are written as they are said', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.nat(12), (digits, decimals) => {
        const value = digits / 10 ** decimals;
        expect(written((out) => writeFloat8(out, value))).toBe(float8Text(value));
        expect(written((out) => writeFloat4(out, Math.fround(value)))).toBe(float4Text(Math.fround(value)));
      }),
    );
  });

  it('of all integer types have their digits, and their bytes', () => {
    const integers: readonly [DuckDBType, min: bigint, max: bigint, bytes: number][] = [
      [TINYINT, -128n, 127n, 2],
      [UTINYINT, 0n, 255n, 2],
      [SMALLINT, -32768n, 32767n, 2],
      [USMALLINT, 0n, 65535n, 4],
      [INTEGER, -(2n ** 31n), 2n ** 31n - 1n, 4],
      [UINTEGER, 0n, 2n ** 32n - 1n, 8],
      [BIGINT, -(2n ** 63n), 2n ** 63n - 1n, 8],
    ];
    for (const [type, min, max, bytes] of integers) {
      const value = fc.oneof(fc.bigInt(min, max), fc.constantFrom(min, max, 0n), fc.bigInt(0n, 127n));
      fc.assert(
        fc.property(fc.array(fc.option(value), { minLength: 1 }), (values) => {
          const items = values.map((v) => (v === null || type === BIGINT ? v : Number(v)));
          expect(texts(type, ...items)).toEqual(values.map((v) => v?.toString() ?? null));
          expect(
            binaries(type, ...items).map((b) => b && BigInt.asIntN(64, BigInt(`0x${b.toString('hex')}`))),
          ).toEqual(values.map((v) => v && BigInt.asIntN(64, BigInt.asUintN(bytes * 8, v))));
        }),
        { numRuns: 20 },
      );
    }
  });

  it('of any precision survive the binary form of numeric', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 38n), 10n ** 38n), fc.nat(38), (value, scale) => {
        const [text = ''] = texts(DECIMAL(38, scale), new DuckDBDecimalValue(value, 38, scale)) as string[];
        const out = new Output();
        writeNumeric(out, text);
        expect(readNumeric(out.take())).toBe(text === '-0' ? '0' : text);
      }),
    );
  });
});

describe('values', () => {
  it('are written as PostgreSQL does', () => {
    expect(
      texts(
        TIMESTAMPTZ,
        new DuckDBTimestampTZValue(1_769_000_000_123_400n),
        null,
        new DuckDBTimestampTZValue(-1n),
      ),
    ).toEqual(['2026-01-21 12:53:20.1234+00', null, '1969-12-31 23:59:59.999999+00']);
    expect(texts(DATE, new DuckDBDateValue(-719_163))).toEqual(['0001-12-31 BC']);
    expect(
      texts(INTERVAL, new DuckDBIntervalValue(-14, 3, -1_500_000n), new DuckDBIntervalValue(0, 0, 0n)),
    ).toEqual(['-1 years -2 mons +3 days -00:00:01.5', '00:00:00']);
    expect(texts(LIST(VARCHAR), listValue(['a', null, '', 'x,y', 'q"\\', 'null', '\u00a0']))).toEqual([
      '{a,NULL,"","x,y","q\\"\\\\","null",\u00a0}',
    ]);
    expect(texts(LIST(LIST(BIGINT)), listValue([listValue([1n]), listValue([])]))).toEqual(['[[1],[]]']);
    expect(texts(BOOLEAN, true, false, null)).toEqual(['t', 'f', null]);
    expect(binaries(BOOLEAN, true, false)).toEqual([Buffer.of(1), Buffer.of(0)]);
    expect(binaries(ARRAY(SMALLINT, 2), null, arrayValue([7, null]))).toEqual([
      null,
      Buffer.from('000000010000000100000015000000020000000100000002' + '0007ffffffff', 'hex'),
    ]);
    expect(binaries(LIST(BIGINT), listValue([]))).toEqual([Buffer.from('000000000000000000000014', 'hex')]);
    expect(binaries(FLOAT, 0.5)).toEqual([Buffer.from('3f000000', 'hex')]);
    expect(binaries(DOUBLE, -0.5)).toEqual([Buffer.from('bfe0000000000000', 'hex')]);
  });

  it('of text and bytes of any length come whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 60 })), { minLength: 1 }),
        (values) => {
          expect(texts(VARCHAR, ...values)).toEqual(values);
          const bytes = values.map((value) => value && Buffer.from(value));
          const blobs = bytes.map((value) => (value === null || value === '' ? null : blobValue(value)));
          expect(texts(BLOB, ...blobs)).toEqual(
            blobs.map((value) => value && `\\x${Buffer.from(value.bytes).toString('hex')}`),
          );
        },
      ),
    );
    // Longer than what is fetched at once, before, between and after others.
    const long = 'x'.repeat((1 << 20) + 1);
    const values = [
      'a text of more than twelve',
      long,
      'short',
      long.slice(0, 1 << 19),
      long,
      null,
      'another of more',
    ];
    expect(texts(VARCHAR, ...values).map((text, i) => text === values[i])).toEqual(values.map(() => true));
  });

  it('of dates agree with JavaScript', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(texts(DATE, new DuckDBDateValue(days))).toEqual([
          new Date(days * 86_400_000).toISOString().slice(0, 10),
        ]);
      }),
    );
  });

  it('of times agree with JavaScript, in all units', () => {
    const year1 = -62_135_596_800_000_000n;
    const year10000 = 253_402_300_800_000_000n;
    const epoch2000 = 946_684_800_000_000n;
    fc.assert(
      fc.property(fc.bigInt(year1, year10000 - 1n), (micros) => {
        const ofSecond = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
        const second = (micros - ofSecond) / 1_000_000n;
        const shown = new Date(Number(second) * 1000).toISOString().slice(0, 19).replace('T', ' ');
        const fraction = String(ofSecond).padStart(6, '0').replace(/0+$/, '');
        const text = fraction === '' ? shown : `${shown}.${fraction}`;
        expect(texts(TIMESTAMPTZ, new DuckDBTimestampTZValue(micros))).toEqual([`${text}+00`]);
        expect(texts(TIMESTAMP, new DuckDBTimestampValue(micros))).toEqual([text]);
        expect(texts(TIMESTAMP_S, new DuckDBTimestampSecondsValue(second))).toEqual([shown]);
        if (micros > -9n * 10n ** 15n && micros < 9n * 10n ** 15n) {
          const nanos = new DuckDBTimestampNanosecondsValue(micros * 1000n + 999n);
          expect(texts(TIMESTAMP_NS, nanos)).toEqual([text]);
        }
        const [binary] = binaries(TIMESTAMP_MS, new DuckDBTimestampMillisecondsValue(micros / 1000n));
        expect(binary?.readBigInt64BE()).toBe((micros / 1000n) * 1000n - epoch2000);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt(2n - 2n ** 63n, 2n ** 63n - 2n), (micros) => {
        expect(written((out) => writeTimestamp(out, micros, '+00'))).toBe(timestampText(micros, '+00'));
      }),
    );
    for (const [micros, text, bytes] of [
      [2n ** 63n - 1n, 'infinity', '7fffffffffffffff'],
      [1n - 2n ** 63n, '-infinity', '8000000000000000'],
    ] as const) {
      const value = new DuckDBTimestampValue(micros);
      expect(texts(TIMESTAMP, value)).toEqual([text]);
      expect(texts(TIMESTAMP_S, new DuckDBTimestampSecondsValue(micros))).toEqual([text]);
      expect(binaries(TIMESTAMP, value).map((b) => b?.toString('hex'))).toEqual([bytes]);
    }
    const [before, after] = [new DuckDBDateValue(1 - 2 ** 31), new DuckDBDateValue(2 ** 31 - 1)];
    expect(texts(DATE, before, after)).toEqual(['-infinity', 'infinity']);
    expect(binaries(DATE, before, new DuckDBDateValue(10_958), after).map((b) => b?.readInt32BE())).toEqual([
      -(2 ** 31),
      1,
      2 ** 31 - 1,
    ]);
    expect(texts(TIME, new DuckDBTimeValue(86_399_000_001n), null)).toEqual(['23:59:59.000001', null]);
  });

  it('of arrays are read back', () => {
    const items = fc.array(fc.option(fc.string()));
    fc.assert(
      fc.property(fc.array(fc.option(items), { minLength: 1, maxLength: 5 }), (rows) => {
        const lists = texts(LIST(VARCHAR), ...rows.map((row) => row && listValue(row)));
        expect(lists.map((list) => list && arrayItems(list))).toEqual(rows);
      }),
    );
  });

  it('that are nested are JSON of what is in them, whatever the texts', async () => {
    const text = fc
      .string({ unit: anyCharacter, maxLength: 20 })
      .map((t) => t.replaceAll('\0', '').toWellFormed());
    const pair = fc.record({ 'a "b"': fc.option(text), list: fc.array(fc.option(text), { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(fc.option(pair), { minLength: 1 }), (rows) => {
        const type = STRUCT({ 'a "b"': VARCHAR, list: LIST(VARCHAR) });
        const values = rows.map((row) => row && structValue({ ...row, list: listValue(row.list) }));
        expect(texts(type, ...values)).toEqual(rows.map((row) => row && JSON.stringify(row)));
        expect(texts(LIST(type), listValue(values))).toEqual([JSON.stringify(rows)]);
      }),
    );
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const printed = async (sql: string) => {
      const result = await connection.run(`SELECT ${sql}`);
      const [chunk, type] = [await result.fetchChunk(), result.columnType(0)];
      const vector = new Vector(duckdb.data_chunk_get_vector(chunk!.chunk, 0), 1, type);
      const out = new Output();
      codecOf(type).text(vector)(0, out);
      return out.take().toString();
    };
    try {
      expect(await printed("MAP {chr(65279) || 'a': [1.50::DECIMAL(4, 2), NULL], 'b': NULL}")).toBe(
        '{"\ufeffa":[1.50,null],"b":null}',
      );
      expect(await printed("MAP {DATE '2026-01-20': 9007199254740993}")).toBe(
        '{"2026-01-20":9007199254740993}',
      );
      expect(await printed("[union_value(n := 7)::UNION(n INT, t VARCHAR), 'x'::VARCHAR, NULL]")).toBe(
        '[7,"x",null]',
      );
      expect(
        await printed("{'2': 'nan'::DOUBLE, '1': -0.0::DOUBLE, t: TIME '10:00:00', u: [1, 2]::INT[2]}"),
      ).toBe('{"2":"NaN","1":-0.0,"t":"10:00:00","u":[1,2]}');
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
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
