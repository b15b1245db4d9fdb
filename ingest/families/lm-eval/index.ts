import type { Family } from '../../family.ts';
import { finder, MARKS } from './discovery.ts';
import { readLmEvalRun } from './read.ts';

/** Results and samples of EleutherAI's lm-evaluation-harness: one run a task (or group) of a results file. */
export const LM_EVAL: Family = Object.freeze({
  name: 'LM_EVAL',
  marks: MARKS,
  finder,
  read: readLmEvalRun,
});
