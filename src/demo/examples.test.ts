import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inCheckout } from './steps.ts';

const read = (path: string): string => readFileSync(inCheckout(path), 'utf8');
const filesOf = (folder: string): string[] =>
  readdirSync(inCheckout(folder))
    .sort()
    .map((name) => read(`${folder}/${name}`));

it('asks the questions that come with the model', () => {
  expect(read('examples/closed-book/questions.jsonl')).toBe(filesOf('models/demo/data/qa').join(''));
});

it('has the word pairs that come with the model, by relation', () => {
  // Files of `q_id,relation,input,output`.
  const rows = filesOf('models/demo/data/relations').flatMap((text) =>
    text
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.slice(line.indexOf(',') + 1)),
  );
  expect(read('examples/function-vectors/word_relations.csv').trim().split('\n')).toEqual([
    'q,exA,exB',
    ...rows,
  ]);
});
