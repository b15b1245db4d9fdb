import type { ComponentType } from 'react';
import type { RunDetail } from './queries.ts';

/** A part of the page of a run. */
export interface RunSection {
  /** Its anchor: `#scores`. */
  readonly id: string;
  readonly title: string;
  /** Whether this run has it. */
  readonly shown: (run: RunDetail) => boolean;
  readonly Body: ComponentType<{ readonly run: RunDetail }>;
}
