import { z } from 'zod';

/** A whole number of any size. */
export const wholeNumber = z.union([z.int(), z.bigint()], { error: 'expected an integer' });

/** A number that is not NaN or infinite. */
export const finiteNumber = z.union([z.number(), z.bigint()], { error: 'expected a number' });

/** Any number: where a computation may diverge, NaN and infinities are values, not damage. */
export const anyNumber = z.union([finiteNumber, z.nan(), z.literal(Infinity), z.literal(-Infinity)], {
  error: 'expected a number',
});

export const nonEmptyString = z.string().min(1, { error: 'expected a non-empty string' });

/** A label: 0/1 or a boolean. */
export const binaryLabel = z.union([z.boolean(), z.literal(0), z.literal(1)], {
  error: 'expected 0, 1, true or false',
});

// Year-month-day, time with optional seconds and fraction, optional offset: what `datetime.isoformat` writes.
const ISO_TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** An ISO 8601 time as Python writes it; without an offset it is read as UTC. */
export const isoTime = z.string().regex(ISO_TIME, { error: 'expected an ISO 8601 time' });

/** Microseconds since the epoch of an ISO 8601 text; undefined when it is none. */
export function parseIsoTime(text: string): bigint | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  const whole = text.replace(/\.\d{1,9}/, '').replace(' ', 'T');
  const withTime = whole.length === 10 ? `${whole}T00:00:00` : whole;
  const milliseconds = Date.parse(hasOffset ? withTime : `${withTime}Z`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
