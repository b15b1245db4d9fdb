import fc from 'fast-check';
import type { Cell, Column, ColumnType, Row, TableSpec } from '../../lake/tables/schema.ts';
import { anyCharacter } from './any-character.ts';

const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'NULL',
    '{}',
    `a'b"c\\d,e`,
    '\t\r\n',
    'e\u0301 😀 ñ',
    '\ufeff bom',
    'long '.repeat(20),
  ),
  fc.string({ unit: 'grapheme' }),
  // PostgreSQL has no texts with NUL in them.
  fc.string({ unit: anyCharacter }).map((value) => value.replaceAll('\0', '')),
);

const float = fc
  .oneof(
    fc.float(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 2 ** -149, 0.1),
  )
  .map(Math.fround);

const long = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
);

const CELLS: Readonly<Record<ColumnType, fc.Arbitrary<Cell>>> = {
  string: text,
  json: fc.oneof(fc.json(), fc.constant('{"a":9007199254740993,"b":[1e-7,null,"é"]}')),
  long,
  integer: fc.integer(),
  double: fc.oneof(fc.double(), fc.constantFrom(5e-324, -0, 0.1, 1e15, 1e-5, Number.MAX_VALUE)),
  boolean: fc.boolean(),
  timestamp: fc.oneof(
    fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
    fc.constantFrom(0n, -1n, 1_795_208_253_000_926n, 4_000_000_000_000_000_000n),
  ),
  date: fc
    .integer({ min: -719_162, max: 2_932_896 })
    .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
  'float[]': fc.array(float, { maxLength: 5 }).map((values) => Float32Array.from(values)),
  'string[]': fc.array(text, { maxLength: 4 }),
  'long[]': fc.array(long, { maxLength: 4 }),
};

/** How many elements lists have whose length another column tells. */
const LENGTH = 3;

/** Counts and positions, which are `Int` in GraphQL. */
const SMALL = /^(n_\w+|line|source_line|step|epoch)$/;

function cellOf({ name, type, nullable, lengthColumn }: Column): fc.Arbitrary<Cell> {
  if (type === 'long' && SMALL.test(name)) return fc.integer();
  if (lengthColumn !== undefined)
    return fc
      .array(float, { minLength: LENGTH, maxLength: LENGTH })
      .map((values) => Float32Array.from(values));
  return nullable === false ? CELLS[type] : fc.option(CELLS[type], { freq: 6 });
}

/** Rows of a table with values of every kind, extreme ones among them; `fixed` are cells that are not arbitrary. */
export function arbitraryRow(spec: TableSpec, fixed: Row = {}): fc.Arbitrary<Row> {
  const lengths = spec.columns.flatMap(({ lengthColumn }) => lengthColumn ?? []);
  const cells = spec.columns.map((column) => [
    column.name,
    column.name in fixed
      ? fc.constant(fixed[column.name])
      : lengths.includes(column.name)
        ? fc.constant(LENGTH)
        : cellOf(column),
  ]);
  return fc.record(Object.fromEntries(cells));
}
