import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ParseMode, parseAnswer } from './parse-answer.ts';

const label = (text: string, mode?: ParseMode) => parseAnswer(text, mode).label;

test('white space, case and word boundaries are those of Python', () => {
  // Each as chaosbench.eval.parsing.parse_label of the project answers under Python 3.11.
  expect(label('\u001cTRUE\u0085')).toBe('TRUE');
  expect(label('\ufeffTRUE')).toBeNull();
  expect(label('x\u2028FALSE')).toBe('FALSE');
  expect(label('Answer: true\nbecause of that')).toBe('TRUE');
  expect(label('réanswer: true\nbecause of that')).toBeNull();
  expect(label('CONCLU\u017fION: no\nsee above')).toBe('FALSE');
  expect(parseAnswer('tr\u200bue and\\so', 'lenient').reason).toBe(
    "last line tokens unrecognized: ['tr\\u200bue', 'and\\\\so']",
  );
});

test('a line of markup only is the last line', () => {
  expect(parseAnswer('TRUE\n***', 'lenient').reason).toBe('empty last line');
});

test('any text is answered, and the label goes with the outcome', () => {
  const word = fc.constantFrom(
    'true',
    'FALSE',
    'so',
    'answer',
    'is',
    ':',
    'maybe',
    '\n',
    'FINAL_ANSWER',
    '**',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(word).map((words) => words.join(' ')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom<ParseMode[]>('strict', 'lenient'), (response, mode) => {
      const { outcome, label, confidence } = parseAnswer(response, mode);
      expect(outcome).toBe(label === null ? 'INVALID' : `VALID_${label}`);
      expect(confidence === 0).toBe(label === null);
    }),
  );
});
