import { describe, expect, test } from 'vitest';
import { matchers, normalizeAnswer } from './match.ts';
import { splitWords, strip } from './python-text.ts';
import { ABSTENTION_PHRASES, hasPhrase, readAbstention, readVerdict } from './verdict.ts';

test("strip and split are Python's", () => {
  expect(strip('\x1f\u00a0 a b\u3000\x85\n')).toBe('a b');
  expect(strip('\ufeffa')).toBe('\ufeffa');
  expect(splitWords(' a\tb\x1c c ')).toEqual(['a', 'b', 'c']);
  expect(splitWords('')).toEqual([]);
});

describe('comparison with the correct answers', () => {
  test.each([
    ['containment', 'It is PARIS.', ['paris'], true],
    ['containment', 'I know it', ['no'], true],
    ['containment', 'anything', [''], true],
    ['containment', 'London', ['Paris', ' london '], true],
    ['containment', 'Ångström', ['ångström'], true],
    ['containment', '', ['x'], false],
    ['containment', 'x', [], false],
    ['exact', ' Paris\n', ['Paris'], true],
    ['exact', 'paris', ['Paris'], false],
    ['normalized_exact', 'The  cat, sat!', ['a cat sat'], true],
    ['normalized_exact', 'theory', ['ory'], false],
    ['normalized_exact', 'U.S.A.', ['usa'], true],
  ] as const)('%s: %j against %j is %s', (match, response, answers, expected) => {
    expect(matchers[match](response, answers)).toBe(expected);
  });

  test('normalisation leaves what is no ASCII punctuation', () => {
    expect(normalizeAnswer('An “apple” – the Êtoile_2')).toBe('“apple” – êtoile2');
  });
});

describe('what a judge says', () => {
  const words = { correct: ['correct', 'yes'], incorrect: ['incorrect', 'no', 'unverifiable'] };
  test.each([
    ['first_word', 'Correct.', 'correct'],
    ['first_word', ' YES, it is', 'correct'],
    ['first_word', 'INCORRECT;', 'incorrect'],
    ['first_word', 'Unverifiable', 'incorrect'],
    ['first_word', 'The answer is correct', undefined],
    ['first_word', '', undefined],
    ['whole', 'CORRECT', 'correct'],
    ['whole', 'Correct.', undefined],
    ['whole', ' correct', undefined],
    ['whole', 'no', 'incorrect'],
  ] as const)('%s: %j', (reading, reply, expected) => {
    expect(readVerdict(reply, { reading, ...words })).toBe(expected);
  });

  test.each([
    ['{"is_abstaining": true}', true],
    ['```json\n{"is_abstaining":false}\n```', false],
    ['{not json} {"is_abstaining": true}', true],
    ['{"is_abstaining": "yes"}', undefined],
    ['true', undefined],
  ])('abstention: %j', (reply, expected) => {
    expect(readAbstention(reply)).toBe(expected);
  });

  test('phrases that decline', () => {
    expect(hasPhrase('Sorry, I DON’T know.', ABSTENTION_PHRASES)).toBe(true);
    expect(hasPhrase('Paris', ABSTENTION_PHRASES)).toBe(false);
  });
});
