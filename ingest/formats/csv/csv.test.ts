import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvOptions, type CsvRow, readCsv } from './csv.ts';
import { parseBoolPython, parseFloatPython, parseIntStrict } from './numbers.ts';

async function read(text: string | Uint8Array, options?: CsvOptions, chunk = 1 << 20) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += chunk) yield bytes.subarray(i, i + chunk);
  }
  const { header, batches } = await readCsv(chunks(), options);
  const rows: CsvRow[] = [];
  for await (const batch of batches) rows.push(...batch);
  return { header, rows };
}

const brief = ({ rows }: { rows: CsvRow[] }) =>
  rows.map(({ line, fields, error }) => [line, error?.subcode ?? fields]);

const quote = (field: string, always: boolean) =>
  always || /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

describe('readCsv', () => {
  it('reads what the csv module of Python writes', async () => {
    const table = await read(
      'example_id,score_halu,label_halu\r\n0,0.5,1\r\n"a ""b"", c\r\nd",nan,0\r\n,,\r\n',
    );
    expect(table.header).toEqual(['example_id', 'score_halu', 'label_halu']);
    expect(brief(table)).toEqual([
      [2, ['0', '0.5', '1']],
      [3, ['a "b", c\r\nd', 'nan', '0']],
      [5, ['', '', '']],
    ]);
  });

  it('skips a byte order mark, blank lines and comments before the header', async () => {
    const table = await read('\ufeff# one\n# two, three\nx,y\n\n1,#\n\r\n2,"\n"', { comment: '#' });
    expect(table.header).toEqual(['x', 'y']);
    expect(brief(table)).toEqual([
      [5, ['1', '#']],
      [7, ['2', '\n']],
    ]);
    expect((await read('')).header).toEqual([]);
  });

  it('reports ragged rows, wrong quotes and bytes that are not UTF-8 by line, and goes on', async () => {
    const bytes = Buffer.concat([
      Buffer.from('a,b\n1\n1,2,3\n"x"y,2\n'),
      Buffer.from([0xff]),
      Buffer.from(',2\n"ok\nok",2\n3'),
    ]);
    const table = await read(bytes, { file: 'p.csv' });
    expect(brief(table)).toEqual([
      [2, 'BAD_CSV'],
      [3, 'BAD_CSV'],
      [4, 'BAD_CSV'],
      [5, 'NON_UTF8'],
      [6, ['ok\nok', '2']],
      [8, 'TRUNCATED_LINE'],
    ]);
    expect(table.rows[0]?.error).toMatchObject({
      where: { file: 'p.csv', line: 2 },
      expected: '2 fields, as in the header',
    });
    expect(brief(await read('a\n"never ends\n1\n2'))).toEqual([[2, 'TRUNCATED_LINE']]);
  });

  it('bounds records', async () => {
    await expect(read(`a\n"${'x\n'.repeat(5000)}`, { maxRecord: 1000 }, 100)).rejects.toMatchObject({
      subcode: 'LIMIT',
    });
    await expect(read(`a\n${'x'.repeat(5000)}`, { maxRecord: 1000 }, 100)).rejects.toMatchObject({
      subcode: 'LIMIT',
    });
  });

  it('gives back every field whatever it holds and however the bytes are cut', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ö', '東') });
    const rows = fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.boolean(),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        async (values, always, eol, chunk) => {
          const text =
            [['a', 'b', 'c'], ...values].map((row) => row.map((f) => quote(f, always)).join(',')).join(eol) +
            eol;
          const { rows: back } = await read(text, {}, chunk);
          expect(back.map(({ fields }) => fields)).toEqual(values);
          expect(await read(gzipSync(text), {}, chunk)).toEqual(await read(text));
        },
      ),
    );
  });
});

describe('numbers as Python prints them', () => {
  it('reads whole numbers and booleans strictly', () => {
    expect(['7', '-0', '+12', '9007199254740993', '1.0', ' 1', '1_0', '', '0x1'].map(parseIntStrict)).toEqual(
      [7, 0, 12, 9007199254740993n, undefined, undefined, undefined, undefined, undefined],
    );
    expect(['True', 'false', '1', ''].map(parseBoolPython)).toEqual([true, false, undefined, undefined]);
    expect(parseFloatPython('1e-5')).toBe(0.00001);
  });
});
