import { InvalidArgumentError } from '../errors.ts';
import type { ByteRange } from './object-store.ts';

/** The one segment name that no key may have: `LocalStore` stages unfinished writes below it. */
export const reservedSegment = '.runlake-tmp';

const loneSurrogate = /\p{Surrogate}/u;

/**
 * What is wrong with a key, or undefined. A key is a relative path of non-empty segments; anything else could
 * leave a store's root or name one object twice. Every other legal file name character may occur.
 */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (key.includes('\0')) return 'it contains a NUL character';
  if (loneSurrogate.test(key)) return 'it is not well-formed Unicode';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `it has a segment ${segment}`;
    if (segment === reservedSegment) return `${reservedSegment} is reserved`;
  }
  return undefined;
}

/** @throws InvalidArgumentError */
export function assertKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== undefined) {
    throw new InvalidArgumentError(`${JSON.stringify(key)} is not an object key: ${problem}`, {
      expected: 'a relative path such as tables/runs/part-0.parquet',
    });
  }
}

/** @throws InvalidArgumentError unless `0 <= start <= end` and start is a whole number. */
export function assertRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && (Number.isInteger(end) || end === Number.POSITIVE_INFINITY);
  if (!whole || start < 0 || end < start) {
    throw new InvalidArgumentError(`bytes ${start} to ${end} are not a range`, {
      expected: 'whole numbers with 0 <= start <= end',
    });
  }
}

/** Orders strings by their UTF-8 bytes, as S3 lists keys. Negative, zero or positive. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return utf8Rank(a) - utf8Rank(b);
  }
  return left.length - right.length;
}

/** UTF-16 sorts surrogates below U+E000..U+FFFF, but the code points they encode lie above. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
