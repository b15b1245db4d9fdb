import type { ReactNode } from 'react';
import { labelsOf, letterOf } from './labels.ts';
import type { ComparedRun } from './queries.ts';

/** The heads of columns that are runs. */
export function RunHeads({ runs }: { runs: readonly ComparedRun[] }): ReactNode {
  const labels = labelsOf(runs);
  return runs.map(({ id }, i) => (
    <th key={id} title={id} scope="col">
      {letterOf(i)} <span className="quiet">{labels[i]}</span>
    </th>
  ));
}
