import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { temporaryTree } from '../../../ingest/testing.ts';
import { LocalStore } from '../../../lake/store/local-store.ts';
import { answersOf } from './answers.ts';
import { readRows } from './rows.ts';
import { parseTemplate } from './template.ts';

describe('templates', () => {
  test('take columns, lists and braces', () => {
    const row = { a: 'x', n: 3, list: ['p', 'q'], object: { k: 1 }, 'two words': 'y' };
    expect(parseTemplate('{a}{n} {list} {object} {two words} {{a}}')(row)).toBe('x3 p, q {"k":1} y {a}');
    expect(parseTemplate('nothing')({})).toBe('nothing');
  });

  test('say what is missing', () => {
    expect(() => parseTemplate('a {b')).toThrow('a brace without its other');
    expect(() => parseTemplate('a } b')).toThrow('a brace without its other');
    expect(() => parseTemplate('{b}')({ a: 1, c: 2 })).toThrow('a row has no b; it has a, c');
    expect(() => parseTemplate('{b}')({ b: null })).toThrow('a row has no b');
    expect(() => parseTemplate('{constructor}')({})).toThrow('a row has no constructor');
  });
});

test.each([
  [{ answer: 'a' }, ['a']],
  [{ correct_answers: ['a', 'b'], answer: 'c' }, ['a', 'b']],
  [{ possible_answers: '["a", "b"]' }, ['a', 'b']],
  [{ answers: { text: ['a'], answer_start: [3] } }, ['a']],
  [{ reference: 'text', answer: 7 }, ['7']],
  [{ answer: '[sic] a' }, ['[sic] a']],
  [{ answer: Number.NaN }, []],
  [{ answer: '' }, []],
  [{ answer: null, best_answer: 'b' }, ['b']],
  [{}, []],
])('answers in %j', (row, answers) => {
  expect(answersOf(row)).toEqual(answers);
});

describe('question files', () => {
  const files = {
    'q.jsonl': '{"question": "é", "big": 9007199254740993, "x": NaN}\n\n"just a prompt"\n',
    'q.jsonl.gz': gzipSync('{"question": "zipped"}\n'),
    'q.csv': 'question,answer\r\n"a, b",c\r\n',
    'q.tsv': 'question\tanswer\na\tb\n',
    'q.json': '[{"question": "a"}, "b"]',
    'bad.jsonl': '{"a": 1}\n{"a": \n',
    'bad.csv': 'a,b\n1\n',
    'bad.json': '{"a": 1}',
    'list.jsonl': '[1]\n',
  };
  const { path } = temporaryTree(files);
  const services = { store: new LocalStore(path), env: {} };
  const { signal } = new AbortController();
  const read = (name: string) => readRows(name, services, signal);

  test('are JSON lines, JSON, CSV or TSV, in the store, on the machine or at an address', async () => {
    expect(await read('q.jsonl')).toEqual([
      { question: 'é', big: 9007199254740993n, x: null },
      { prompt: 'just a prompt' },
    ]);
    expect(await read('q.jsonl.gz')).toEqual([{ question: 'zipped' }]);
    expect(await read(join(path, 'q.csv'))).toEqual([{ question: 'a, b', answer: 'c' }]);
    expect(await read(`file:${path}/q.tsv`)).toEqual([{ question: 'a', answer: 'b' }]);
    expect(await read('q.json')).toEqual([{ question: 'a' }, { prompt: 'b' }]);
  });

  test.each([
    ['bad.jsonl', /bad.jsonl: .*line 2/],
    ['bad.csv', /line 2: 1 fields/],
    ['bad.json', /an array of objects/],
    ['list.jsonl', /line 1: expected an object/],
    ['nope.jsonl', /there is no file nope.jsonl/],
  ])('%s is refused with its place', async (name, message) => {
    await expect(read(name)).rejects.toThrow(message);
  });
});
