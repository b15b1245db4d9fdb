import { describe, expect, it } from 'vitest';
import { PromptTokensError, RelationError } from '../errors.ts';
import type { Relation } from '../relation/relation.ts';
import { cleanPrompt, corruptedPrompt, slotPrompt } from './prompts.ts';
import { fixedPoints, sampleTrials, type Trial } from './sample.ts';
import { type PromptTokenizer, promptTokens } from './targets.ts';
import { zeroShotExamples } from './zero-shot.ts';

function relationOf(rows: Readonly<Record<string, readonly string[]>>): Relation {
  const queries = Object.entries(rows).map(
    ([q, texts]) => [q, texts.map((text) => ({ input: text, output: text.toUpperCase() }))] as const,
  );
  return { queries: new Map(queries), dropped: [] };
}

const letters = relationOf({ Q1: ['a', 'b', 'c', 'd'], Q2: ['a', 'x', 'y', 'z'] });
const options = { seed: 3, trials: 40, demos: 3, corruption: 'shuffled' } as const;

describe('sampleTrials', () => {
  it('never shows the query among the demonstrations', () => {
    for (const { queryIndex, demoIndices, demos, query } of sampleTrials(letters, ['Q1', 'Q2'], options)) {
      expect(new Set([queryIndex, ...demoIndices]).size).toBe(4);
      expect(demos).not.toContainEqual(query);
    }
  });

  it('shuffled labels are the own ones, and may stay in their place', () => {
    const trials = sampleTrials(letters, ['Q1'], options);
    for (const { demos, corrupted } of trials) {
      expect(corrupted.toSorted()).toEqual(demos.map(({ output }) => output).sort());
    }
    expect(Math.max(...trials.map(fixedPoints))).toBeGreaterThan(0);
  });

  it('one label cannot be shuffled into another order', () => {
    const same = relationOf({ Q1: ['a', 'a', 'a'] });
    const [trial] = sampleTrials(same, ['Q1'], { ...options, trials: 1, demos: 2 });
    expect(trial && fixedPoints(trial)).toBe(2);
  });

  it('mixed labels are of other relation queries and none of this one', () => {
    const seen = new Set(
      sampleTrials(letters, ['Q1'], { ...options, corruption: 'mixed' }).flatMap((trial) => trial.corrupted),
    );
    expect([...seen].sort()).toEqual(['X', 'Y', 'Z']);
  });

  it('refuses too few rows, and mixed labels where there is one relation query', () => {
    expect(() => sampleTrials(letters, ['Q1'], { ...options, demos: 4 })).toThrow(RelationError);
    const alone = relationOf({ Q1: ['a', 'b'] });
    expect(() => sampleTrials(alone, ['Q1'], { ...options, demos: 1, corruption: 'mixed' })).toThrow(
      RelationError,
    );
  });
});

describe('prompts', () => {
  const trial: Trial = {
    qId: 'Q1',
    query: { input: 'hot', output: 'cold' },
    queryIndex: 0,
    demos: [
      { input: 'up', output: 'down' },
      { input: 'big', output: 'small' },
    ],
    demoIndices: [1, 2],
    corrupted: ['small', 'down'],
  };

  it('end without a space', () => {
    expect(cleanPrompt(trial)).toBe('Q: up\nA: down\n\nQ: big\nA: small\n\nQ: hot\nA:');
    expect(corruptedPrompt(trial)).toBe('Q: up\nA: small\n\nQ: big\nA: down\n\nQ: hot\nA:');
    expect(slotPrompt(1)).toBe('Q: a\nA: a\n\nQ: a\nA:');
  });

  it('give each query once for zero-shot examples', () => {
    const other = { ...trial, query: { input: 'up', output: 'down' } };
    const third = { ...trial, qId: 'Q2', query: { input: 'in', output: 'out' } };
    const examples = zeroShotExamples([trial, other, trial, third], { seed: 0, count: 50 });
    expect(examples.map(({ qId, prompt }) => `${qId} ${prompt}`)).toEqual([
      expect.stringContaining('Q1'),
      'Q2 Q: in\nA:',
      expect.stringContaining('Q1'),
    ]);
    expect(zeroShotExamples([trial, other], { seed: 0, count: 1 })).toHaveLength(1);
  });
});

describe('promptTokens', () => {
  /** Pieces are tokens; a token's number is its place among all pieces seen. */
  function tokenizerOf(pieces: RegExp): PromptTokenizer {
    const names: string[] = [];
    const idOf = (name: string) => (names.includes(name) ? names.indexOf(name) : names.push(name) - 1);
    return {
      encode: (text) => (text.match(pieces) ?? []).map(idOf),
      decode: (tokens) => tokens.map((token) => names[token]).join(''),
      tokenName: (token) => names[token] ?? '',
    };
  }

  it('the target is the first token behind the prompt', () => {
    const tokenizer = tokenizerOf(/ ?\w{1,3}|:|\n/g);
    const { tokens, target } = promptTokens(tokenizer, 'Q: hot\nA:', 'freezing');
    expect(tokenizer.decode(tokens)).toBe('Q: hot\nA:');
    expect(tokenizer.tokenName(target)).toBe(' fre');
  });

  it('refuses a prompt that does not end in the colon, and an answer without tokens', () => {
    expect(() => promptTokens(tokenizerOf(/A:|[^A]/g), 'Q: hot\nA:', 'cold')).toThrow(/expected|last token/);
    expect(() => promptTokens(tokenizerOf(/\w|:|\n/g), 'Q: hot\nA:', '!')).toThrow(PromptTokensError);
  });
});
