import type { Family } from '../../family.ts';
import { finder } from './discovery/finder.ts';
import { MARKS } from './layout.ts';
import { readFvRun } from './read.ts';

/** Runs of the function-vector pipeline: relation queries in any state, older head sweeps, injections. */
export const FV: Family = Object.freeze({ name: 'FV', marks: MARKS, finder, read: readFvRun });
