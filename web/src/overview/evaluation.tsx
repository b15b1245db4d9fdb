import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { CHAOS_METRICS } from '../run/chaosbench/families.ts';
import { FamilyAccuracy } from '../run/chaosbench/family-plots.tsx';
import { METRICS } from '../run/metrics.ts';
import { modelName } from '../run/title.ts';
import { Finding } from './finding.tsx';
import type { NewestRun } from './queries.ts';
import { evaluationText } from './sentences.ts';

/** What the newest evaluation of a real model says. */
export function Evaluation({ runs }: { runs: readonly NewestRun[] }): ReactNode {
  const shown = runs.find(({ modelId }) => modelId !== 'mock') ?? runs[0];
  const { data } = useAnswer(
    METRICS,
    { id: shown?.id, filter: { metric: { in: CHAOS_METRICS } } },
    { enabled: shown !== undefined },
  );
  if (shown === undefined) return null;
  const others = runs.filter(({ id }) => id !== shown.id).slice(0, 3);
  return (
    <Finding
      question={`Which questions does ${shown.modelId === null ? 'the model' : modelName(shown.modelId)} get right?`}
      answer={evaluationText(data?.run?.metrics ?? [])}
      runs={[shown, ...others].map(({ id }) => ({ id, title: id.split('/').slice(-2).join('/') }))}
    >
      <FamilyAccuracy id={shown.id} />
    </Finding>
  );
}
