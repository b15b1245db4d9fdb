import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyCharacter } from '../../test/support/any-character.ts';
import { InvalidArgumentError } from '../errors.ts';
import { assertKey, compareKeys, keyProblem } from './keys.ts';

test('keys are ordered as their UTF-8 bytes are', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter }), (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
  expect(compareKeys('\uFFEE', '\u{1F600}')).toBeLessThan(0);
  expect(compareKeys('a-b', 'a/b')).toBeLessThan(0);
});

test('a key without a problem stays inside any root', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', 'a', '\0', '.runlake-tmp'),
    fc.string({ unit: anyCharacter }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const key = parts.join('/');
      const problem = keyProblem(key);
      const url = new URL(`file:///root/${key.split('/').map(safeEncode).join('/')}`);
      if (problem === undefined) {
        expect(decodeURIComponent(url.pathname)).toBe(`/root/${key}`);
        expect(() => assertKey(key)).not.toThrow();
      } else {
        expect(() => assertKey(key)).toThrow(InvalidArgumentError);
      }
    }),
  );
});

function safeEncode(segment: string): string {
  // The URL class resolves . and .. even when their dots are encoded, as an independent path resolver would.
  try {
    return encodeURIComponent(segment);
  } catch {
    return 'lone-surrogate';
  }
}
