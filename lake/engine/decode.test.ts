import {
  ARRAY,
  arrayValue,
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
  DuckDBVector,
  FLOAT,
  HUGEINT,
  INTEGER,
  LIST,
  listValue,
  SMALLINT,
  STRUCT,
  structValue,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyCharacter } from '../../test/support/any-character.ts';
import { decodeChunk } from './decode.ts';
import type { EngineValue } from './types.ts';

/** A type, and values of it: as the driver takes them, and as the engine gives them. */
interface Values {
  readonly type: DuckDBType;
  readonly pairs: fc.Arbitrary<readonly [put: DuckDBValue, got: EngineValue]>;
}

const same = (type: DuckDBType, values: fc.Arbitrary<string | number | bigint | boolean>): Values => ({
  type,
  pairs: values.map((value) => [value, value]),
});

/** Short and long texts of all characters. The driver ends a text at a NUL when it writes one. */
const text = fc
  .string({ unit: anyCharacter, maxLength: 30 })
  .map((value) => value.replaceAll('\0', '').toWellFormed());

const SCALARS: readonly Values[] = [
  same(VARCHAR, text),
  same(VARCHAR, fc.string({ maxLength: 16 })),
  same(BOOLEAN, fc.boolean()),
  same(TINYINT, fc.integer({ min: -128, max: 127 })),
  same(UTINYINT, fc.integer({ min: 0, max: 255 })),
  same(SMALLINT, fc.integer({ min: -32_768, max: 32_767 })),
  same(USMALLINT, fc.integer({ min: 0, max: 65_535 })),
  same(INTEGER, fc.integer()),
  same(UINTEGER, fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  same(BIGINT, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  same(UBIGINT, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  same(HUGEINT, fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n })),
  same(DOUBLE, fc.double()),
  same(FLOAT, fc.float()),
  {
    type: TIMESTAMPTZ,
    pairs: fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((micros) => [new DuckDBTimestampTZValue(micros), micros]),
  },
  {
    type: DATE,
    pairs: fc.integer({ min: 0, max: 20_000 }).map((days) => {
      const date = new Date(days * 86_400_000).toISOString().slice(0, 10);
      return [new DuckDBDateValue(days), date];
    }),
  },
];

const orNull = ({ pairs }: Values) => fc.option(pairs, { freq: 4, nil: [null, null] as const });

const LENGTH = 2;

/** Lists, arrays and structs of some type. FLOATs in lists are tested on their own. */
function nested(of: Values): Values[] {
  const items = fc.array(orNull(of), { maxLength: 4 });
  const fixed = fc.array(orNull(of), { minLength: LENGTH, maxLength: LENGTH });
  const split = (pairs: readonly (readonly [DuckDBValue, EngineValue])[]) =>
    [pairs.map(([put]) => put), pairs.map(([, got]) => got)] as const;
  return [
    {
      type: LIST(of.type),
      pairs: items.map((pairs) => {
        const [put, got] = split(pairs);
        return [listValue(put), got];
      }),
    },
    {
      type: ARRAY(of.type, LENGTH),
      pairs: fixed.map((pairs) => {
        const [put, got] = split(pairs);
        return [arrayValue(put), got];
      }),
    },
    {
      type: STRUCT({ a: of.type, b: VARCHAR }),
      pairs: fc.tuple(orNull(of), text).map(([[put, got], b]) => [structValue({ a: put, b }), { a: got, b }]),
    },
  ];
}

const lists = SCALARS.filter(({ type }) => type !== FLOAT).flatMap(nested);
const deep = lists.flatMap(nested);

function chunkOf(type: DuckDBType, values: readonly DuckDBValue[]): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create([type], values.length);
  chunk.setColumnValues(0, [...values]);
  return chunk;
}

it('gives the values that were put into a vector, whatever their type', () => {
  const column = fc
    .oneof(fc.constantFrom(...SCALARS), fc.constantFrom(...lists), fc.constantFrom(...deep))
    .chain((values) =>
      fc.tuple(fc.constant(values.type), fc.array(orNull(values), { minLength: 1, maxLength: 70 })),
    );
  fc.assert(
    fc.property(column, ([type, pairs]) => {
      const rows = decodeChunk(
        chunkOf(
          type,
          pairs.map(([put]) => put),
        ),
        [type],
      );
      expect(rows).toEqual(pairs.map(([, got]) => [got]));
    }),
    { numRuns: 300 },
  );
});

it('gives texts as the driver does, but for a mark at the beginning that it takes for one of byte order', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    text.map((value) => new TextEncoder().encode(value)),
  );
  fc.assert(
    fc.property(fc.array(fc.option(bytes), { minLength: 1, maxLength: 30 }), (values) => {
      // A BLOB lies in memory as a VARCHAR does, and takes bytes that are no text.
      const chunk = chunkOf(
        BLOB,
        values.map((value) => value && blobValue(value)),
      );
      const rows = decodeChunk(chunk, [VARCHAR]).map(([value]) => value);
      expect(rows).toEqual(values.map((value) => value && decoder.decode(value)));
      const driver = DuckDBVector.create(
        duckdb.data_chunk_get_vector(chunk.chunk, 0),
        values.length,
        VARCHAR,
      ).toArray();
      expect(rows.map((value) => (typeof value === 'string' ? value.replace(/^\ufeff/, '') : value))).toEqual(
        driver,
      );
    }),
  );
});

it('gives short and long texts of chunks that DuckDB makes, more than it takes out of memory at once', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const result = await connection.stream(
      `SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'k' || i % 10 WHEN 2 THEN repeat('ä', i) WHEN 3 THEN '' ELSE repeat('x', 3 * i) END
       FROM range(5000) r(i)`,
    );
    const rows: EngineValue[] = [];
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    )
      for (const [value] of decodeChunk(chunk, result.columnTypes())) rows.push(value!);
    const expected = Array.from({ length: 5000 }, (_, i) =>
      [null, `k${i % 10}`, 'ä'.repeat(i), '', 'x'.repeat(3 * i)].at(i % 5),
    );
    // One comparison: of texts so long a difference would take minutes to print.
    expect(rows.length).toBe(5000);
    expect(rows.findIndex((value, i) => value !== expected[i])).toBe(-1);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
