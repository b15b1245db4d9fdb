import { describe, expect, it } from 'vitest';
import { csvRows, jsonRows, textTable } from './rows.ts';

const result = {
  columns: [
    { name: 'id', type: 'BIGINT' },
    { name: 'score', type: 'DOUBLE' },
    { name: 'at', type: 'TIMESTAMP WITH TIME ZONE' },
    { name: 'text', type: 'VARCHAR' },
    { name: 'v', type: 'FLOAT[]' },
  ],
  rows: [
    [
      2n ** 53n + 1n,
      Number.NaN,
      '2026-11-20T20:57:33.000926Z',
      'a "b",\r\nc',
      Float32Array.of(1.5, Number.POSITIVE_INFINITY),
    ],
    [null, -0, null, '', null],
  ],
  truncated: false,
} as const;

describe('rows for people and programs', () => {
  it('prints JSON that keeps every digit and says what JSON cannot', () => {
    const text = jsonRows(result);
    expect(text).toContain('"id":9007199254740993');
    expect(JSON.parse(text)).toMatchObject([
      { score: 'NaN', at: '2026-11-20T20:57:33.000926Z', text: 'a "b",\r\nc', v: [1.5, 'Infinity'] },
      { id: null, score: -0, at: null, text: '', v: null },
    ]);
    expect(jsonRows({ ...result, rows: [] })).toBe('[]');
  });

  it('quotes CSV', () => {
    expect(csvRows(result)).toBe(
      'id,score,at,text,v\r\n9007199254740993,NaN,2026-11-20T20:57:33.000926Z,"a ""b"",\r\nc","[1.5,""Infinity""]"\r\n,-0.0,,,\r\n',
    );
  });

  it('lays out a table on single lines', () => {
    expect(
      textTable(
        ['name', 'n'],
        [
          ['a\nb', '10'],
          ['c', '5'],
        ],
      ),
    ).toBe('name   n\n────  ──\na⏎b   10\nc      5');
  });

  it('cuts what is too long, but no id and nothing where all was asked for', () => {
    const id = `main/hallulens/2026-01-20/${'m'.repeat(40)}/seed_0`;
    const text = 'x'.repeat(200);
    expect(textTable(['id', 'text'], [[id, text]])).toContain(`${id}  ${'x'.repeat(119)}…`);
    expect(textTable(['text'], [[text]], Number.POSITIVE_INFINITY)).toContain(text);
  });
});
