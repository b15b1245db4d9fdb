import type { Family } from '../../family.ts';
import { finder, MARKS } from './discovery.ts';
import { readRun } from './read.ts';

/** Entropy experiments: how an update changes the entropy of a model, and what derivatives predict of it. */
export const ENTROPY: Family = Object.freeze({ name: 'ENTROPY', marks: MARKS, finder, read: readRun });
