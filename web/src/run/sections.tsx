import { CHAOSBENCH_SECTIONS } from './chaosbench/sections.tsx';
import { ENTROPY_SECTIONS } from './entropy/sections.tsx';
import { Examples } from './examples.tsx';
import { FV_SECTIONS } from './fv/sections.tsx';
import { HALLULENS_SECTIONS } from './hallulens/sections.tsx';
import { Issues } from './issues-section.tsx';
import { Metrics } from './metrics-section.tsx';
import type { RunDetail } from './queries.ts';
import type { RunSection } from './section.ts';

/** What runs of a family show beside what all do. */
const OF_FAMILY: Readonly<Record<string, readonly RunSection[]>> = {
  HALLULENS: HALLULENS_SECTIONS,
  CHAOSBENCH: CHAOSBENCH_SECTIONS,
  ENTROPY: ENTROPY_SECTIONS,
  FV: FV_SECTIONS,
};

const FIRST: readonly RunSection[] = [
  { id: 'issues', title: 'Issues', shown: ({ nIssues }) => nIssues > 0, Body: Issues },
];

const LAST: readonly RunSection[] = [
  { id: 'metrics', title: 'Metrics', shown: () => true, Body: Metrics },
  { id: 'examples', title: 'Examples', shown: () => true, Body: Examples },
];

/** The sections of a run, in their order on its page. */
export function sectionsOf(run: RunDetail): RunSection[] {
  return [...FIRST, ...(OF_FAMILY[run.family] ?? []), ...LAST].filter(({ shown }) => shown(run));
}
