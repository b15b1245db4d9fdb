import { describe, expect, it } from 'vitest';
import { examplePython, exampleQuery } from './code.ts';
import { changeText, labelText, referenceText, shortId, tokenText, verdictText } from './text.ts';

describe('words', () => {
  const judged = { correct: null, predHalu: null, labelHalu: null, outcome: null };

  it('judge', () => {
    expect(verdictText(judged)).toBe('–');
    expect(verdictText({ ...judged, correct: false })).toBe('wrong');
    expect(verdictText({ ...judged, predHalu: true, labelHalu: true })).toBe('right');
    expect(verdictText({ ...judged, outcome: 'INVALID' })).toBe('unreadable');
    expect([labelText(true), labelText(false), labelText(null)]).toEqual(['made up', 'right', '–']);
    expect([changeText(0, 1), changeText(1, 0), changeText(1, 1), changeText(null, 1)]).toEqual([
      'right with it',
      'wrong with it',
      'right, also without',
      '–',
    ]);
  });

  it('show references, tokens and ids', () => {
    expect(referenceText({ answers: ['Amman', 2] })).toBe('Amman, 2');
    expect(referenceText({ answer: ' net', first_token_id: 5 })).toBe(' net');
    expect(referenceText({ odd: 1 })).toBe('{"odd":1}');
    expect(referenceText(null)).toBeUndefined();
    expect(tokenText('Ġnet')).toBe(' net');
    expect(shortId('ab'.repeat(32))).toBe('ababababab…');
    expect(shortId('atomic_13619_para_1')).toBe('atomic_13619_para_1');
  });
});

it('writes queries that quote what has to be quoted', () => {
  const query = exampleQuery({ run: 'r"1', example: 'e\\n', snapshot: 's' }, 'HALLULENS', {
    run: { family: { eq: 'x"' } },
  });
  expect(query).toContain('runId: { eq: "r\\"1" }');
  expect(query).toContain('exampleId: { eq: "e\\\\n" }');
  expect(query).toContain('predictions(filter: { run: { family: { eq: "x\\"" } } }');
  expect(query).toContain('asOf: { snapshot: "s" }');
  expect(examplePython(query, 'http://h:1')).toContain('"http://h:1/graphql"');
});
