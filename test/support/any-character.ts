import fc from 'fast-check';

/** The first of the code points that are halves of characters, and how many those are. */
const [SURROGATES, HALVES] = [0xd800, 0x800];

/**
 * Every character of Unicode, as a `unit` of `fc.string`. Its own name for them, 'binary', makes a table of all: more than a second of work
 * in every process that uses it.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - HALVES })
  .map((n) => String.fromCodePoint(n < SURROGATES ? n : n + HALVES), indexOf);

/** @throws TypeError for what is no character */
function indexOf(value: unknown): number {
  const [character, ...others] = typeof value === 'string' ? value : '';
  const point = character?.codePointAt(0) ?? SURROGATES;
  if (others.length > 0 || (point >= SURROGATES && point < SURROGATES + HALVES))
    throw new TypeError('no character');
  return point < SURROGATES ? point : point - HALVES;
}
