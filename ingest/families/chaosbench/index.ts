import type { Family, ReadContext, RunCandidate, RunSink, RunSummary } from '../../family.ts';
import { finder, MARKS } from './discovery/discover.ts';
import { readInterrupted } from './run/read-interrupted.ts';
import { readRun } from './run/read-run.ts';

function read(candidate: RunCandidate, sink: RunSink, context: ReadContext): Promise<RunSummary> {
  return candidate.kind === 'interrupted'
    ? readInterrupted(candidate, sink, context)
    : readRun(candidate, sink, context);
}

/** Runs of the ChaosBench-Logic benchmark: live, interrupted and published. */
export const CHAOSBENCH: Family = Object.freeze({ name: 'CHAOSBENCH', marks: MARKS, finder, read });
