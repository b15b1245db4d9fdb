import type { ReactNode } from 'react';
import type { z } from 'zod';
import { useAnswer } from '../api/use-answer.ts';
import { EntropyPoints } from '../run/entropy/entropy-points.tsx';
import { POINTS } from '../run/entropy/queries.ts';
import { Finding } from './finding.tsx';
import type { OVERVIEW } from './queries.ts';
import { entropyText } from './sentences.ts';

type EntropyRuns = z.infer<typeof OVERVIEW.schema>['ENTROPY']['nodes'];

/** How much of the change of entropy is predicted, in the newest run that measured it at several learning rates. */
export function Entropy({ runs }: { runs: EntropyRuns }): ReactNode {
  const measured = runs.filter(({ entropyPoints }) => entropyPoints.length > 0);
  const shown = measured.find(({ entropyPoints }) => entropyPoints.length > 2) ?? measured[0];
  const { data } = useAnswer(POINTS, { id: shown?.id }, { enabled: shown !== undefined });
  if (shown === undefined) return null;
  return (
    <Finding
      question="Is the change of entropy predicted by its derivatives?"
      answer={entropyText(data?.run?.entropyPoints ?? [])}
      runs={[{ id: shown.id, title: shown.id.split('/').slice(2).join('/') }]}
    >
      <EntropyPoints id={shown.id} />
    </Finding>
  );
}
