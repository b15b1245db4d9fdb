import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readCsv } from '../../ingest/formats/csv/csv.ts';
import { parseFloatPython } from '../../ingest/formats/csv/numbers.ts';
import { parseJson } from '../../ingest/formats/json/parse.ts';
import { stringifyJson } from '../../ingest/formats/json/stringify.ts';
import { pythonHas, runPython } from '../support/python.ts';

const script = fileURLToPath(new URL('./text_formats.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'runlake-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function python(mode: string, input: string): Promise<string[]> {
  const path = join(folder, mode);
  writeFileSync(path, input);
  return JSON.parse(await runPython(script, [mode, path])) as string[];
}

describe.skipIf(!pythonHas('json'))('text formats against Python', () => {
  it('parseFloatPython is float()', async () => {
    const parts = [
      '',
      '1',
      '12',
      '_',
      '1_2',
      '.',
      '.5',
      '5.',
      'e5',
      'E-3',
      '+',
      '-',
      'nan',
      'NaN',
      'inf',
      'Infinity',
      'infinit',
      ' ',
      '\n',
      '\u00a0',
      '\ufeff',
      '\x1c',
      '0x1',
      '1e999',
      '0.1',
    ];
    const texts = parts.flatMap((a) => parts.flatMap((b) => ['', 'e5', '_1'].map((c) => a + b + c)));
    const expected = await python('float', JSON.stringify(texts));
    const actual = texts.map((text) => {
      const value = parseFloatPython(text);
      if (value === undefined) return 'ValueError';
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value);
      return bytes.toString('hex');
    });
    const wrong = texts.map((text, i) => [text, actual[i], expected[i]]).filter(([, a, b]) => a !== b);
    expect(wrong).toEqual([]);
    expect(expected.filter((hex) => hex !== 'ValueError').length).toBeGreaterThan(100);
  });

  it('reads every JSON text that Python writes', async () => {
    const texts = await python('write-json', '');
    for (const text of texts) expect(() => parseJson(text), text).not.toThrow();
    // Read, written and read by Python again: the same, but for what stringifyJson documents.
    const again = texts.map((text) => stringifyJson(parseJson(text).value));
    expect(await python('compare-json', JSON.stringify([texts, again]))).toEqual([]);
  });

  it('reads every CSV table that Python writes', async () => {
    const tables = (await python('write-csv', '')) as unknown as [text: string, rows: string[][]][];
    for (const [text, rows] of tables) {
      const { header, batches } = await readCsv([Buffer.from(text)]);
      const found: (readonly string[])[] = [header];
      for await (const batch of batches) found.push(...batch.map(({ fields }) => fields));
      expect(found).toEqual(rows);
    }
  });
});
