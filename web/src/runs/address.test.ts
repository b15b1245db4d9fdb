import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runAddress, runOfPath } from './address.ts';

it('leads to the run that it names, whatever is in its id', () => {
  // Browsers take dots for the folder itself and the one above.
  const ids = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((id) => !/%(23|3F)|(^|\/)\.{1,2}(\/|$)/.test(id));
  fc.assert(
    fc.property(ids, (id) => {
      const { pathname, search, hash } = new URL(`http://lake${runAddress(`main/${id}/seed_0`)}`);
      expect([search, hash]).toEqual(['', '']);
      expect(runOfPath(decodeURI(pathname.slice('/runs/'.length)))).toBe(`main/${id}/seed_0`);
    }),
  );
});
