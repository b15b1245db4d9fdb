import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isoMicros, isoNanos } from './iso-time.ts';

it('keeps microseconds and nanoseconds, before the epoch too', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), (micros) => {
      const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3}|\d{6})Z$/.exec(isoMicros(micros));
      const seconds = BigInt(Date.parse(`${match?.[1]}Z`)) / 1000n;
      expect(seconds * 1_000_000n + BigInt((match?.[2] ?? '').padEnd(6, '0'))).toBe(micros);
    }),
  );
  expect(isoMicros(-1n)).toBe('1969-12-31T23:59:59.999999Z');
  expect(isoMicros(2n ** 63n - 2n)).toBe('9223372036854775806us');
  expect(isoMicros(1_500n, 1000n)).toBe('1970-01-01T00:00:01.500Z');
  expect([isoMicros(2n ** 63n - 1n), isoMicros(1n - 2n ** 63n)]).toEqual(['infinity', '-infinity']);
  expect([isoNanos(-1n), isoNanos(1_000_000_000n), isoNanos(2n ** 63n - 1n)]).toEqual([
    '1969-12-31T23:59:59.999999999Z',
    '1970-01-01T00:00:01.000Z',
    'infinity',
  ]);
});
