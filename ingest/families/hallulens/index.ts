import type { Family, ReadContext, RunCandidate, RunSink, RunSummary } from '../../family.ts';
import { readCapture } from './capture/read.ts';
import { readContractRun } from './contract-run/read.ts';
import { finder, MARKS } from './discovery/discover.ts';
import { readOutputTree } from './output-tree/read.ts';
import { readRunnerRun } from './runner-run/read.ts';
import { openStore } from './stores/open.ts';
import { candidateStores } from './stores/referenced.ts';

function read(candidate: RunCandidate, sink: RunSink, context: ReadContext): Promise<RunSummary> {
  switch (candidate.kind) {
    case 'contract-run':
      return readContractRun(candidate, sink, context);
    case 'runner-run':
      return readRunnerRun(candidate, sink, context);
    case 'output-tree':
      return readOutputTree(candidate, sink, context);
    default:
      return readCapture(candidate, sink, context);
  }
}

/** Runs of the HalluLens project: contract runs, runs of its original runner, benchmark outputs, activation stores. */
export const HALLULENS: Family = Object.freeze({
  name: 'HALLULENS',
  marks: MARKS,
  finder,
  stores: Object.freeze({ of: candidateStores, open: openStore }),
  read,
});
