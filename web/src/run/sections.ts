import { CHAOSBENCH_SECTIONS } from './chaosbench/sections.tsx';
import { ENTROPY_SECTIONS } from './entropy/sections.tsx';
import { FV_SECTIONS } from './fv/sections.tsx';
import { HALLULENS_SECTIONS } from './hallulens/sections.tsx';
import type { RunSection } from './section.ts';

/** What the page of a run shows by family, between its summary and its issues. */
const SECTIONS: Readonly<Record<string, readonly RunSection[]>> = {
  HALLULENS: HALLULENS_SECTIONS,
  CHAOSBENCH: CHAOSBENCH_SECTIONS,
  ENTROPY: ENTROPY_SECTIONS,
  FV: FV_SECTIONS,
};

export function sectionsOf(family: string): readonly RunSection[] {
  return SECTIONS[family] ?? [];
}
