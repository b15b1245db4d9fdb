import { expect, it } from 'vitest';
import { aboutText, methodsFilter } from './methods.ts';

it('takes an id for the same example within family and benchmark only', () => {
  const run = { family: 'HALLULENS', benchmark: 'of the run' };
  expect(methodsFilter(run, '7', { benchmark: 'trivia' })).toEqual({
    exampleId: { eq: '7' },
    benchmark: { eq: 'trivia' },
    run: { family: { eq: 'HALLULENS' } },
  });
  const inRun = {
    exampleId: { eq: '7' },
    run: { family: { eq: 'HALLULENS' }, benchmark: { eq: 'of the run' } },
  };
  expect(methodsFilter(run, '7', undefined)).toEqual(inRun);
  expect(methodsFilter(run, '7', { benchmark: null })).toEqual(inRun);
});

it('tells which text a prediction is about', () => {
  const about = (response: string | null) =>
    aboutText({ generation: { prompt: 'p', response } }, { response: 'r' });
  expect([about('r'), about('s'), about(null)]).toEqual(['this', 'another', 'unknown']);
  expect(aboutText({ generation: null }, { response: 'r' })).toBe('unknown');
});
