import fc from 'fast-check';
import { expect, it } from 'vitest';
import { escapeMarkdown, toCsv, toLatex, toMarkdown } from './export.ts';
import { escapeLatex, latexNumber } from './latex.ts';
import type { Group } from './queries.ts';
import { rounded } from './rounded.ts';
import { tableOf } from './table.ts';

/** What LaTeX prints for what `escapeLatex` writes: only these commands and plain characters may be there. */
const PRINTED: Readonly<Record<string, string>> = {
  '\\textbackslash{}': '\\',
  '\\textasciicircum{}': '^',
  '\\textasciitilde{}': '~',
  '\\textless{}': '<',
  '\\textgreater{}': '>',
  '\\textendash{}': '–',
  '\\textbar{}': '|',
  '\\textasciigrave{}': '`',
  '\\textquotesingle{}': "'",
  '\\string"': '"',
  '$\\pm$': '±',
  '$\\approx$': '≈',
  '{-}': '-',
  '{[}': '[',
  '{*}': '*',
};
const TOKEN = /\\text[a-z]+\{\}|\\string"|\$\\[a-z]+\$|\{[-[*]\}|\\[{}$&#%_]|[^\\{}$&#%_^~<>|"`'[*±≈–]|/gsuy;

function printed(latex: string): string {
  const tokens = latex.match(TOKEN) ?? [];
  // A token that is not known ends the match, and with it the text.
  expect(tokens.join('')).toBe(latex);
  return tokens.map((token) => PRINTED[token] ?? token.replace(/^\\(?=.)/, '')).join('');
}

/** Texts with what is special in LaTeX and Markdown, and with anything else. */
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'\\{}$&#%_^~<>|"`\'[]*-±≈–ab \n\u0000') }),
  fc.string({ unit: 'grapheme' }),
);
const plain = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();

it('writes texts that LaTeX prints as they are', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(printed(escapeLatex(text))).toBe(plain(text));
    }),
  );
});

it('writes cells of Markdown that hold no markup and end nowhere', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const cell = escapeMarkdown(text);
      expect(cell).not.toMatch(/[\n\r]|(?<!\\)(?:\\\\)*[|`*_<]/);
      expect(cell.replace(/\\([\\`*_{}[\]<>|~#&!])/g, '$1')).toBe(
        text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim(),
      );
    }),
  );
});

it('rounds a mean to the digits of its half-width', () => {
  expect(rounded(0.73456, 0.01234)).toEqual({ value: '0.735', half: '0.012' });
  expect(rounded(12.3456, 3)).toEqual({ value: '12.3', half: '3.0' });
  expect(rounded(1234.5, 250)).toEqual({ value: '1235', half: '250' });
  expect(rounded(0.73456, null)).toEqual({ value: '0.735', half: undefined });
  expect(rounded(104, null)).toEqual({ value: '104', half: undefined });
  expect(rounded(0.5, 0)).toEqual({ value: '0.500', half: '0' });
  expect(rounded(0, 0)).toEqual({ value: '0', half: '0' });
  expect(rounded(-1.5e7, 2e6)).toEqual({ value: '-1.50e+7', half: '2.0e+6' });
  expect(rounded(null, null)).toBeUndefined();
  expect(latexNumber('-1.50e+7')).toBe('-1.50 \\times 10^{7}');
});

it('prints any number with its half-width so that both are near what they were', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
  fc.assert(
    fc.property(number, fc.double({ noNaN: true, min: 0, max: 1e9 }), (value, half) => {
      const { value: text, half: halfText } = rounded(value, half) ?? {};
      const tolerance = Math.max(half / 2, Math.abs(value) / 100, 1e-4);
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(tolerance);
      expect(Math.abs(Number(halfText) - half)).toBeLessThanOrEqual(Math.max(half / 2, 1e-4));
    }),
  );
});

const group = (
  method: string,
  benchmark: string | null,
  mean: number | null,
  halfWidth: number | null,
): Group => ({
  dimensions: [
    { dimension: 'METHOD', value: method },
    { dimension: 'BENCHMARK', value: benchmark },
  ],
  config: [{ pointer: '/layers', value: [0, 1] }],
  n: 2,
  nMissing: 0,
  mean,
  sd: null,
  ciLow: mean === null || halfWidth === null ? null : mean - halfWidth,
  ciHigh: mean === null || halfWidth === null ? null : mean + halfWidth,
  halfWidth,
  seeds: [0, method === 'pooled' ? 0 : 1],
});
const groups = [
  group('a_1', 'x|y', 0.9, 0.05),
  group('b', 'x|y', 0.8, 0.06),
  group('b', null, 0.7, null),
  group('c', 'x|y', 0.5, 0.01),
  group('pooled', 'x|y', null, null),
];
const view = {
  rows: ['METHOD', '/layers'],
  column: 'BENCHMARK',
  scope: 'overall',
  source: 'reported',
} as const;

it('makes a table of groups: the best of each column, and what may be as good', () => {
  const table = tableOf(groups, view, 'auroc');
  expect(table.columns).toEqual(['x|y', '–']);
  expect(table.rows.map(({ names }) => names)).toEqual(
    ['a_1', 'b', 'c', 'pooled'].map((method) => [method, '[0,1]']),
  );
  expect(table.rows.map(({ cells }) => cells.map((cell) => cell?.standing))).toEqual([
    ['best', undefined],
    ['tied', undefined],
    [undefined, undefined],
    [undefined, undefined],
  ]);
  expect(table.rows.map(({ cells }) => cells[0]?.pooled)).toEqual([false, false, false, true]);
  // What is lower is better, or there is no telling.
  expect(tableOf(groups, view, 'ece').rows[2]?.cells[0]?.standing).toBe('best');
  expect(tableOf(groups, view, 'n_test').rows[0]?.cells[0]?.standing).toBeUndefined();
  const one = tableOf(groups.slice(0, 1), { rows: ['METHOD'], column: null }, 'auroc');
  expect(one).toMatchObject({
    columns: ['auroc'],
    rows: [{ names: ['a_1'], cells: [{ standing: undefined }] }],
  });
});

it('writes the table as Markdown, LaTeX and CSV', () => {
  const exported = { table: tableOf(groups, view, 'auroc'), view, metric: 'auroc' };
  expect(toMarkdown(exported)).toBe(
    [
      '| Method | /layers | x\\|y | – |',
      '| --- | --- | ---: | ---: |',
      '| a\\_1 | \\[0,1\\] | **0.900** ± 0.050 | – |',
      '| b | \\[0,1\\] | 0.800 ± 0.060 ≈ | 0.700 |',
      '| c | \\[0,1\\] | 0.500 ± 0.010 | – |',
      '| pooled | \\[0,1\\] | – | – |',
      '',
      'auroc (overall, reported): mean ± half-width of the 95 % Student t interval over runs; bold: best of its column; ≈: its interval overlaps that of the best.',
      '',
    ].join('\n'),
  );
  const [comment, ...lines] = toLatex(exported).split('\n');
  expect(comment).toMatch(/^% auroc \(overall, reported\): mean ± .* Needs \\usepackage\{booktabs\}\.$/);
  expect(lines.slice(0, 6)).toEqual([
    '\\begin{tabular}{llcc}',
    '\\toprule',
    'Method & /layers & x\\textbar{}y & \\textendash{} \\\\',
    '\\midrule',
    'a\\_1 & {[}0,1] & $\\mathbf{0.900} \\pm 0.050$ & -- \\\\',
    'b & {[}0,1] & $0.800 \\pm 0.060^{\\approx}$ & $0.700$ \\\\',
  ]);
  expect(toCsv(exported).split('\r\n').slice(0, 2)).toEqual([
    'Method,/layers,Benchmark,metric,n,missing,mean,sd,ci_low,ci_high,half_width',
    'a_1,"[0,1]",x|y,auroc,2,0,0.9,,0.85,0.9500000000000001,0.05',
  ]);
});
