import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../../lake/engine/engine.ts';
import { RunningStatement } from '../../lake/engine/statement.ts';
import { arrowIpc } from '../../lake/export/arrow/ipc.ts';
import { exportableStatement } from '../../lake/export/statement.ts';
import { pythonHas, pythonJson } from '../support/python.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-arrow-'));
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ temporaryDirectory: join(directory, 'tmp'), memory: '512MB', threads: 2 });
});
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

/** SQL for a value that is made of a 64-bit hash. */
type Make = (hash: string) => string;

const TEXT: Make = (h) => `substr(repeat('añ😀bcdefghij', 5), 1, (${h} % 45)::INT)`;
const MICROS: Make = (h) => `((${h} % 4000000000000000)::BIGINT - 2000000000000000)`;

const SCALARS: readonly Make[] = [
  (h) => `(${h} % 2 = 0)`,
  (h) => `((${h} % 256)::INT - 128)::TINYINT`,
  (h) => `((${h} % 65536)::INT - 32768)::SMALLINT`,
  (h) => `((${h} % 4294967296)::BIGINT - 2147483648)::INT`,
  (h) => `(${h}::HUGEINT - 9223372036854775808)::BIGINT`,
  (h) => `(${h} % 256)::UTINYINT`,
  (h) => `(${h} % 65536)::USMALLINT`,
  (h) => `(${h} % 4294967296)::UINTEGER`,
  (h) => h,
  (h) => `(${h}::HUGEINT * 1000000007 - 4611686018427387904)`,
  (h) => `(${h}::UHUGEINT * 18446744073709551615)`,
  (h) => `CASE ${h} % 7 WHEN 0 THEN 'nan' WHEN 1 THEN '-inf' ELSE (${h} % 1000)::VARCHAR END::FLOAT / 7`,
  (h) => `CASE ${h} % 7 WHEN 0 THEN 'nan' WHEN 1 THEN '-0.0' ELSE (${h} % 1000)::VARCHAR END::DOUBLE / 7`,
  (h) => `((${h} % 2000)::INT / 10 - 100)::DECIMAL(4, 1)`,
  (h) => `((${h} % 2000000)::INT / 100 - 10000)::DECIMAL(9, 2)`,
  (h) => `((${h} % 1000000000)::BIGINT - 500000000)::DECIMAL(18, 3)`,
  (h) => `((${h} % 1000000000)::HUGEINT * 1000000000000 - 500000000)::DECIMAL(38, 5)`,
  TEXT,
  (h) => `encode(${TEXT(h)})`,
  (h) => `to_json({a: ${h}, b: [${TEXT(h)}]})`,
  (h) => `(DATE '1970-01-01' + ((${h} % 40000)::INT - 20000))`,
  (h) => `(TIME '00:00:00' + to_microseconds((${h} % 86400000000)::BIGINT))`,
  (h) => `make_timestamp(${MICROS(h)})`,
  (h) => `make_timestamp(${MICROS(h)})::TIMESTAMPTZ`,
  (h) => `make_timestamp_ns((${h} % 4000000000000000000)::BIGINT - 2000000000000000000)`,
  (h) => `make_timestamp(${MICROS(h)})::TIMESTAMP_S`,
  (h) => `make_timestamp(${MICROS(h)})::TIMESTAMP_MS`,
  (h) => `(to_days((${h} % 100)::INT) + to_microseconds((${h} % 1000000)::BIGINT))`,
  (h) => `md5(${h}::VARCHAR)::UUID`,
  (h) => `(['low', 'high'][1 + (${h} % 2)::INT])::ENUM('low', 'high')`,
  (h) => `(${h} % 2 = 0)::INT::BIT`,
];

const nullable =
  (make: Make, every: number): Make =>
  (h) =>
    every === 0 ? make(h) : `CASE WHEN ${h} % ${every} = 0 THEN NULL ELSE ${make(h)} END`;

const again = (h: string, salt: number | string) => `hash(${h}, ${salt})`;

/** The expressions of a list are over its own variable. */
let variables = 0;

const value = fc.letrec<{ value: Make; list: Make; struct: Make; map: Make; scalar: Make }>((tie) => {
  const inner = fc
    .tuple(tie('value'), fc.constantFrom(0, 2, 5))
    .map(([make, every]) => nullable(make, every));
  return {
    scalar: fc.constantFrom(...SCALARS),
    list: inner.map((make) => (h) => {
      const x = `x${variables++}`;
      return `list_transform(range((${h} % 4)::BIGINT), lambda ${x}: ${make(again(h, x))})`;
    }),
    struct: fc.tuple(inner, inner).map(
      ([a, b]) =>
        (h) =>
          `{'a': ${a(again(h, 1))}, 'B b': ${b(again(h, 2))}}`,
    ),
    map: inner.map(
      (make) => (h) => `map([${h}::VARCHAR, 'k'], [${make(again(h, 1))}, ${make(again(h, 2))}])`,
    ),
    value: fc.oneof(
      { depthSize: 'small' },
      { weight: 6, arbitrary: tie('scalar') },
      { weight: 1, arbitrary: tie('list') },
      { weight: 1, arbitrary: tie('struct') },
      { weight: 1, arbitrary: tie('map') },
    ),
  };
}).value;

/** DuckDB has no CASE of arrays, so they are cast from lists. */
const array = fc.constantFrom(['INT', 2], ['FLOAT', 7], ['VARCHAR', 4]).map(
  ([type, every]): Make =>
    (h) =>
      `(CASE WHEN ${h} % ${every} = 0 THEN NULL ELSE [${h} % 9, NULL, ${again(h, 3)} % 99] END)::${type}[3]`,
);

const table = fc.record({
  columns: fc.array(
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.tuple(value, fc.constantFrom(0, 1, 3)).map(([make, n]) => nullable(make, n)),
      },
      { weight: 1, arbitrary: array },
    ),
    { minLength: 1, maxLength: 4 },
  ),
  rows: fc.constantFrom(0, 1, 7, 64, 65, 300),
  seed: fc.nat(),
  skip: fc.constantFrom(0, 3),
});

/** Values as DuckDB's own conversion to Arrow has them, read by pyarrow like ours; and zeros where there are none. */
const COMPARE = `
import json, sys, duckdb, pyarrow as pa
def blank(values, hidden):
    hidden = [a or b for a, b in zip(hidden, values.is_null().to_pylist())]
    kind = values.type
    if pa.types.is_struct(kind):
        return all(blank(values.field(i), hidden) for i in range(kind.num_fields))
    if pa.types.is_fixed_size_list(kind):
        return blank(values.values, [one for one in hidden for _ in range(kind.list_size)])
    if pa.types.is_map(kind):
        return all(blank(part, [False] * len(part)) for part in (values.keys, values.items))
    if pa.types.is_list(kind):
        return blank(values.values, [False] * len(values.values))
    places = [i for i, is_hidden in enumerate(hidden, values.offset) if is_hidden]
    data = (values.buffers()[1] or pa.py_buffer(b'')).to_pybytes()
    if kind in (pa.string(), pa.binary()):
        return all(data[4 * i:4 * i + 4] == data[4 * i + 4:4 * i + 8] for i in places)
    if kind == pa.bool_():
        return not any(data[i // 8] >> i % 8 & 1 for i in places)
    width = kind.bit_width // 8
    return not any(any(data[width * i:width * (i + 1)]) for i in places)
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
# It would be printed by whatever takes two seconds.
db.execute('SET enable_progress_bar = false')
wrong = []
for case in json.load(open(sys.argv[1])):
    opened = pa.ipc.open_stream(case['stream']).read_all()
    opened.validate(full=True)
    if not pa.ipc.open_file(case['file']).read_all().schema.equals(opened.schema): wrong.append('file schema')
    own = db.execute(case['sql']).to_arrow_table()
    for name, ours, theirs in zip(own.column_names, opened.columns, own.columns):
        if not all(blank(part, [False] * len(part)) for part in ours.chunks):
            wrong.append(f"{name} {ours.type} has something under nulls: {case['sql'][:2000]}")
        if repr(ours.to_pylist()) != repr(theirs.to_pylist()):
            pairs = [(a, b) for a, b in zip(ours.to_pylist(), theirs.to_pylist()) if repr(a) != repr(b)][:2]
            wrong.append(f"{name} {ours.type} {theirs.type} {len(ours)} {len(theirs)} {pairs!r} {case['sql'][:2000]}")
print(json.dumps(wrong))`;

it.skipIf(!pythonHas('pyarrow', 'duckdb'))(
  'gives pyarrow the values of every type that DuckDB has',
  async () => {
    const tables = [
      ...fc.sample(table, { numRuns: 30, seed: 20261121 }),
      // Each scalar type once for sure.
      { columns: SCALARS.map((make) => nullable(make, 3)), rows: 2_500, seed: 1, skip: 0 },
    ];
    const cases: { sql: string; stream: string; file: string }[] = [];
    const { connection, giveBack } = await engine.lend();
    for (const [n, { columns, rows, seed, skip }] of tables.entries()) {
      const values = columns.map((make, c) => `${make(`hash(i, ${seed + c})`)} AS c${c}`);
      const kept = skip === 0 ? '' : `WHERE i % ${skip} <> 0 `;
      const text = `SELECT ${values.join(', ')} FROM range(${rows}) r(i) ${kept}ORDER BY i`;
      const { sql } = await exportableStatement({ connection, sql: text, leave: async () => {} }, {});
      const paths = { stream: join(directory, `${n}.arrows`), file: join(directory, `${n}.arrow`) };
      for (const format of ['stream', 'file'] as const) {
        const statement = await RunningStatement.start(connection, sql);
        await writeFile(paths[format], arrowIpc(statement, format));
      }
      cases.push({ sql, ...paths });
    }
    giveBack();
    const list = join(directory, 'cases.json');
    writeFileSync(list, JSON.stringify(cases));
    expect(pythonJson(COMPARE, [list])).toEqual([]);
  },
);
