import { z } from 'zod';
import { parseIsoTime, wholeNumber } from '../scalars.ts';

/** A count of things: 0, 1, 2, … */
export const count = wholeNumber.refine((value) => value >= 0, { error: 'expected a count of 0 or more' });

/** A number of seconds. */
export const duration = z
  .union([z.number(), z.bigint()], { error: 'expected a number of seconds' })
  .refine((value) => value >= 0, { error: 'expected 0 or more seconds' });

/** SHA-256 in hexadecimal digits. */
export const sha256Hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: 'expected 64 lower-case hexadecimal digits' });

const OFFSET = /T.*(Z|[+-]\d{2}:?\d{2})$/;

/** An ISO 8601 time that says its offset from UTC. */
export const zonedTime = z.string().refine((text) => OFFSET.test(text) && parseIsoTime(text) !== undefined, {
  error: 'expected an ISO 8601 time with its offset from UTC',
});
