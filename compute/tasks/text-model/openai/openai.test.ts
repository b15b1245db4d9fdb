import { describe, expect, test } from 'vitest';
import { completionCall, parseCompletion } from './completion.ts';
import { retryAfter } from './http.ts';

const options = {
  temperature: 0.5,
  topP: 1,
  topK: 0,
  seed: 3,
  n: 1,
  maxTokens: 9,
  stop: ['\n'],
  logProbabilities: true,
  topLogProbabilities: 2,
};

describe('requests', () => {
  test('of both calls of the interface', () => {
    expect(completionCall('m', { text: 'p' }, options, 4)).toEqual({
      path: '/completions',
      body: { model: 'm', prompt: 'p', max_tokens: 9, temperature: 0.5, seed: 4, stop: ['\n'], logprobs: 2 },
    });
    const messages = [{ role: 'user', content: 'p' }];
    const chat = completionCall('m', { messages }, { ...options, stop: [], topP: 0.9, topK: 5 }, 4);
    expect(chat).toEqual({
      path: '/chat/completions',
      body: {
        model: 'm',
        messages,
        max_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 5,
        seed: 4,
        logprobs: true,
        top_logprobs: 2,
      },
    });
    expect(
      completionCall('m', { text: 'p' }, { ...options, logProbabilities: false }, 0).body,
    ).not.toHaveProperty('logprobs');
  });
});

describe('answers', () => {
  test('with and without log-probabilities and counts', () => {
    const text = { text: 'a', finish_reason: 'length', logprobs: { token_logprobs: [-1, -2] } };
    expect(parseCompletion('/completions', { choices: [text], usage: { prompt_tokens: 5 } })).toEqual({
      sample: { text: 'a', finish: 'length', tokenCount: 2, logProbabilities: [-1, -2] },
      promptTokens: 5,
    });
    const chat = { message: { content: '' }, logprobs: { content: null } };
    expect(parseCompletion('/chat/completions', { choices: [chat] })).toEqual({
      sample: { text: '', finish: null, tokenCount: null },
      promptTokens: null,
    });
    // llama.cpp and others have forms of their own for what is optional.
    const strange = { text: 'a', logprobs: { content: 'x', token_logprobs: 'y' } };
    expect(parseCompletion('/completions', { choices: [strange], usage: 7 }).sample.text).toBe('a');
  });

  test.each([
    ['/completions', {}],
    ['/completions', { choices: [] }],
    ['/completions', { choices: [{ text: null }] }],
    ['/chat/completions', { choices: [{ message: { content: null } }] }],
    ['/chat/completions', null],
  ] as const)('%s %j is none', (path, document) => {
    expect(() => parseCompletion(path, document)).toThrow();
  });
});

test.each([
  [null, undefined],
  ['2', 2000],
  ['0.5', 500],
  ['Wed, 21 Oct 2026 07:28:05 GMT', 5000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['soon', undefined],
])('Retry-After: %s', (value, expected) => {
  expect(retryAfter(value, Date.parse('2026-10-21T07:28:00Z'))).toBe(expected);
});
