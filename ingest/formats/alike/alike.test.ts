import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextColumn } from '../../../lake/tables/text-column.ts';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { type CsvRow, readAlikeCsv, readCsv } from '../csv/csv.ts';
import { type JsonlLine, readAlikeJsonl, readJsonl } from '../json/jsonl.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { JsonValue } from '../json/value.ts';
import { AlikeLines, type AlikeRows } from './alike-lines.ts';
import { CsvLines } from './csv-lines.ts';
import { JsonLines } from './json-lines.ts';
import { ObjectText } from './object-text.ts';

const FIXED = new Set(['fixed', 'label']);
const TEXTS = new Set(['id', 'text']);
const SLOTS = ['id', 'text', 'json', 'other'];

/** JSON as programs and people write it, on one line. */
const token = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '7',
      '-7',
      '1.0',
      '0.5',
      '-0.25',
      '1e5',
      '1E-7',
      '1e400',
      '5e-324',
      '0.00001',
      '0.000001',
      '10.50',
    ],
    ...[
      '123456789012345',
      '1234567890123456',
      '12345678901234567890',
      '0.1234567890123456',
      '1e+3',
      '01',
      '1.',
      '-',
    ],
    ...[
      'true',
      'false',
      'null',
      'NaN',
      '-Infinity',
      'nul',
      '',
      '[',
      '{"a":1,}',
      '[1,]',
      '{"a" 1}',
      '"\t"',
      "'a'",
    ],
    ...[
      '{"a":1,"a":2}',
      '{"b":{"a":1},"a":[{"a":1},{"a":2}]}',
      '{"2":1,"1":2}',
      '{"__proto__":1}',
      '{ "a" : [ 1 ,2 ] }',
    ],
    ...[
      '"\\ud83d\\ude00"',
      '"\\ud83d"',
      '"\\ude00\\ud83d"',
      '"\\u00e9\\u0022\\u005c\\/\\n\\u000a\\u0000\\u007f\\u2028"',
    ],
    ...['"\\x"', '"\\u12"', '"é😀\u2028"', '"a\\', `${'['.repeat(40)}${']'.repeat(40)}`, '1 2', '"a" "b"'],
  ),
  fc.string().map((text) => JSON.stringify(text)),
  fc.string({ unit: anyCharacter }).map((text) => JSON.stringify(text.toWellFormed())),
  fc.double().map(String),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);
const plain = fc.oneof(
  { weight: 9, arbitrary: fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)) },
  token,
);

/** Lines of a few shapes, most of them whole. */
const jsonLines = fc
  .tuple(
    fc.constantFrom([',', ':'], [', ', ': '], [' ,\t', ' :']),
    fc.array(
      fc.uniqueArray(fc.constantFrom('id', 'text', 'json', 'fixed', 'label', 'other'), { minLength: 1 }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.infiniteStream(plain),
        fc.nat(40),
        fc.constantFrom('\n', '\n', '\n', '\r\n', ' \n'),
      ),
      {
        minLength: 5,
        maxLength: 30,
      },
    ),
  )
  .map(([[comma, colon], shapes, lines]) =>
    lines
      .map(([which, values, accident, end]) => {
        const names = shapes[which % shapes.length]!;
        const members = names.map((name) => {
          const value = FIXED.has(name) ? ['"v"', '{"halu":true}', '0'][which % 3] : values.next().value;
          return `"${name}"${colon}${value}`;
        });
        if (accident === 0) members.push(members[0]!);
        const text = `{${members.join(comma)}}`;
        return (
          (accident === 1 ? text.slice(0, -3) : accident === 2 ? ` ${text}` : accident === 3 ? '' : text) +
          end
        );
      })
      .join(''),
  );

/** What `write` writes into a column, or undefined for a missing text. */
function written(write: (column: TextColumn) => void, column: TextColumn): string | undefined {
  write(column);
  return column.text(column.length - 1);
}

describe('lines of JSON', () => {
  const extra = new ObjectText(['json', 'other'], { all: [1] });

  async function both(bytes: Uint8Array) {
    const exact: (JsonlLine | undefined)[] = [];
    for await (const lines of readJsonl([bytes])) exact.push(...lines);
    const alike = new AlikeLines<JsonValue, JsonValue>(
      new JsonLines({ fixed: FIXED, texts: TEXTS }),
      (value) => value,
    );
    const found: (JsonlLine | undefined)[] = [];
    let rows = 0;
    const check = (batch: AlikeRows<JsonValue, JsonValue>) => {
      const scratch = new TextColumn();
      for (let row = 0; row < batch.length; row++) {
        const value = batch.value(row);
        const record = value as { readonly [name: string]: JsonValue };
        for (const name of SLOTS) {
          const cell = batch.column(name).text(row);
          const expected = record[name] ?? undefined;
          if (expected === undefined) expect(cell).toBeUndefined();
          else if (TEXTS.has(name)) expect(cell).toBe(expected);
          else expect(cell).toBe(stringifyJson(expected));
        }
        const template = batch.templates[row] as { readonly [name: string]: JsonValue };
        expect(Object.keys(template)).toEqual(Object.keys(record));
        for (const name of Object.keys(record)) {
          if (FIXED.has(name)) expect(template[name]).toEqual(record[name]);
          else expect(kindOf(template[name]!)).toBe(kindOf(record[name]!));
        }
        expect(written((column) => extra.write(batch, row, column), scratch)).toBe(
          stringifyJson({ json: record['json'] ?? null, other: record['other'] ?? null, all: [1] }),
        );
        const line = exact[found.length];
        expect(line).toMatchObject({ line: batch.lines[row], value });
        found.push(line);
        rows++;
      }
    };
    for await (const lines of readAlikeJsonl([bytes], alike)) {
      if (Array.isArray(lines)) found.push(...lines);
      else check(lines);
    }
    expect(found).toEqual(exact);
    return rows;
  }

  test('are the same on both ways', async () => {
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(jsonLines, async (text) => {
        rows += await both(Buffer.from(text));
      }),
      { numRuns: 300 },
    );
    expect(rows).toBeGreaterThan(300);
  });

  test('are the same on both ways when bytes are damaged', async () => {
    await fc.assert(
      fc.asyncProperty(
        jsonLines,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        async (text, damage) => {
          const bytes = Buffer.from(text);
          for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
          await both(bytes);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('stop being compared when too many differ in what should be the same', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `{"fixed":${i % 400},"id":"${i}"}\n`).join('');
    // 64 templates are kept, and used again by the last 100 lines.
    expect(await both(Buffer.from(lines))).toBe(64);
  });
});

function kindOf(value: JsonValue): string {
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'array';
  return value === '' || typeof value === 'boolean' ? JSON.stringify(value) : typeof value;
}

describe('lines of CSV', () => {
  const field = fc.oneof(
    { weight: 60, arbitrary: fc.stringMatching(/^[a-z0-9. ]{0,5}$/) },
    fc.constantFrom('', '"a,b"', '"a\nb"', 'a"b', '"', 'é', '\r', 'a\rb'),
  );
  const table = fc
    .tuple(
      fc.array(fc.tuple(field, fc.constantFrom('x', 'y', ''), field), { minLength: 3, maxLength: 30 }),
      fc.constantFrom('\n', '\r\n'),
    )
    .map(([rows, end]) =>
      ['id,fixed,other', ...rows.map((row) => row.join(','))].map((row) => row + end).join(''),
    );

  test('are the same on both ways', async () => {
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(table, fc.nat(), async (text, cut) => {
        const bytes = Buffer.from(text);
        const chunks = [bytes.subarray(0, cut % bytes.length), bytes.subarray(cut % bytes.length)];
        const exact: CsvRow[] = [];
        for await (const batch of (await readCsv(chunks)).batches) exact.push(...batch);
        const found: CsvRow[] = [];
        const { header, batches } = await readAlikeCsv(
          chunks,
          (names) => new AlikeLines(new CsvLines(names, FIXED), (fields) => fields),
        );
        expect(header).toEqual(['id', 'fixed', 'other']);
        for await (const batch of batches) {
          if (Array.isArray(batch)) found.push(...batch);
          else {
            for (let row = 0; row < batch.length; row++) {
              const fields = [
                batch.column('id').text(row)!,
                batch.templates[row]![1]!,
                batch.column('other').text(row)!,
              ];
              expect(batch.value(row)).toEqual(fields);
              found.push({ line: batch.lines[row]!, fields });
              rows++;
            }
          }
        }
        expect(found).toEqual(exact);
      }),
      { numRuns: 300 },
    );
    expect(rows).toBeGreaterThan(300);
  });
});
