import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../lake/store/local-store.ts';
import type { Issue } from '../family.ts';
import { temporaryTree } from '../testing.ts';
import { issueLog } from './issue-log.ts';
import { readJsonRecords } from './records.ts';
import { readCsv } from './table.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

async function open(name: string, content: string | Uint8Array) {
  tree = temporaryTree({ [name]: content });
  const store = new LocalStore(tree.path);
  const issues: Issue[] = [];
  const context = { tree: { store, prefix: '' }, lenient: false };
  const log = issueLog({ issue: (issue) => void issues.push(issue) }, context);
  return { context, object: (await store.head(name))!, issues, log };
}

async function jsonl(content: string | Uint8Array) {
  const { context, object, issues, log } = await open('a.jsonl', content);
  const stats = { unreadable: 0 };
  const records: unknown[] = [];
  for await (const batch of readJsonRecords(context, object, 'a.jsonl', log, stats)) {
    for (const { line, value, damaged } of batch) records.push([line, value, damaged]);
  }
  return { records, stats, issues: issues.map(({ severity, code, line }) => [severity, code, line]) };
}

async function csv(content: string | Uint8Array) {
  const { context, object, issues, log } = await open('a.csv', content);
  const rows: unknown[] = [];
  let header: readonly string[] | undefined;
  for await (const batch of readCsv(context, object, 'a.csv', log)) {
    header = batch.header;
    for (const { line, fields } of batch.records) rows.push([line, ...fields]);
  }
  return { header, rows, issues: issues.map(({ severity, code, line }) => [severity, code, line]) };
}

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));

describe('JSONL files', () => {
  test('go on after every kind of bad line, and name it', async () => {
    const text = bytes(
      '{"a":1}\n\n{"a":2,"a":3}\n{"x":"',
      0xe9,
      '"}\nnot json\n{"big":9007199254740993,"n":NaN}\n{"torn',
    );
    expect(await jsonl(text)).toEqual({
      records: [
        [1, { a: 1 }, false],
        [3, { a: 3 }, false],
        [4, { x: '\ufffd' }, true],
        [6, { big: 9007199254740993n, n: Number.NaN }, false],
      ],
      stats: { unreadable: 2 },
      issues: [
        ['warning', 'DUPLICATE_KEY', 3],
        ['error', 'NON_UTF8_BYTES', 4],
        ['error', 'INVALID_JSON', 5],
        ['error', 'TRUNCATED_LAST_LINE', 7],
      ],
    });
  });

  test('may be gzipped, and may end in the middle of the stream', async () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => JSON.stringify({ i, x: Math.sin(i) }));
    const packed = gzipSync(lines.join('\n'));
    expect((await jsonl(packed)).records.length).toBe(3_000);
    tree?.remove();
    const cut = await jsonl(packed.subarray(0, packed.length >> 1));
    expect(cut.records.length).toBeGreaterThan(100);
    expect(cut.issues.at(-1)?.slice(0, 2)).toEqual(['error', 'INVALID_JSON']);
  });
});

describe('CSV files', () => {
  test('go on after every kind of bad record, and name it', async () => {
    const text = bytes('a,b\r\n1,"x, ""y""\nz"\r\n\r\n2\r\n3,', 0xff, '\r\n4,5\r\n6');
    expect(await csv(text)).toEqual({
      header: ['a', 'b'],
      rows: [
        [2, '1', 'x, "y"\nz'],
        [7, '4', '5'],
      ],
      issues: [
        ['error', 'CSV_FIELD_COUNT', 5],
        ['error', 'NON_UTF8_BYTES', 6],
        ['error', 'TRUNCATED_LAST_LINE', 8],
      ],
    });
  });

  test('may have a header only, or nothing', async () => {
    expect(await csv('a,b\n')).toEqual({ header: ['a', 'b'], rows: [], issues: [] });
    tree?.remove();
    expect(await csv('')).toMatchObject({ header: undefined, issues: [['error', 'EMPTY_FILE', undefined]] });
  });
});
