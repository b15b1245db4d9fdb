import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { pastDrafts, remember } from './history.ts';
import { consoleAddress, type Draft, draftOf, MODES, parametersOf, ROW_LIMITS } from './view.ts';

const drafts: fc.Arbitrary<Draft> = fc.record({
  mode: fc.constantFrom(...MODES),
  query: fc.string({ unit: anyCharacter }).map((text) => text.toWellFormed()),
  variables: fc.constantFrom('', '{"a": "50 %"}'),
  rows: fc.constantFrom(...ROW_LIMITS),
});

it('keeps a draft in its address', () => {
  fc.assert(
    fc.property(drafts, (draft) => {
      const address = new URL(consoleAddress(draft), 'http://x');
      const { variables, rows, ...both } = draft;
      expect(draftOf(address.searchParams)).toEqual({
        ...both,
        variables: draft.mode === 'graphql' ? variables : '',
        rows: draft.mode === 'sql' ? rows : ROW_LIMITS[0],
      });
    }),
  );
});

it('has no address for what is too long, and no draft for nonsense', () => {
  const long: Draft = { mode: 'sql', query: 'x'.repeat(10_000), variables: '', rows: 1000 };
  expect(parametersOf(long)).toBeUndefined();
  expect(consoleAddress(long)).toBe('/console');
  expect(draftOf(new URLSearchParams('mode=x'))).toBeUndefined();
  expect(draftOf(new URLSearchParams('mode=x&rows=7&query=q'))).toEqual({
    mode: 'graphql',
    query: 'q',
    variables: '',
    rows: 1000,
  });
});

it('remembers the last twenty drafts, each once', () => {
  const kept = new Map<string, string>();
  const shelf = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
  };
  expect(pastDrafts(shelf)).toEqual([]);
  const draft = (n: number): Draft => ({ mode: 'sql', query: `SELECT ${n}`, variables: '', rows: 1000 });
  for (let n = 0; n < 30; n += 1) remember(draft(n), new Date(n), shelf);
  remember(draft(15), new Date(100), shelf);
  const past = pastDrafts(shelf);
  expect(past).toHaveLength(20);
  expect(past.slice(0, 2)).toEqual([
    { ...draft(15), at: new Date(100).toISOString() },
    { ...draft(29), at: new Date(29).toISOString() },
  ]);
  for (const key of kept.keys()) kept.set(key, '[{"at":1},3]');
  expect(pastDrafts(shelf)).toEqual([]);
});
