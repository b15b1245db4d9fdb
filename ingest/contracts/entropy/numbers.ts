import { z } from 'zod';

/** The numbers that sums and identities are made of: a NaN among them is damage. */
export const finite = z.number({ error: 'expected a finite number' });
/** Sequences, tokens, positions: they fit 32 bits. */
export const count = z.int32({ error: 'expected an integer' }).min(0, { error: 'expected an integer >= 0' });
export const learningRate = finite.positive({ error: 'expected a number > 0' });
