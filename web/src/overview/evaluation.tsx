import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { CHAOS_METRICS } from '../run/chaosbench/families.ts';
import { FamilyAccuracy } from '../run/chaosbench/family-plots.tsx';
import { EntropyPoints } from '../run/entropy/entropy-points.tsx';
import { METRICS } from '../run/metrics.ts';
import { Finding } from './finding.tsx';
import type { NewestRun, NewestRuns } from './queries.ts';
import { evaluationText } from './sentences.ts';

/** What the newest evaluation of a real model says; others of its dataset beside it. */
export function Evaluation({ newest: { nodes } }: { newest: NewestRuns }): ReactNode {
  const shown = nodes.find(({ modelId }) => modelId !== 'mock') ?? nodes[0];
  const { data } = useAnswer(
    METRICS,
    { id: shown?.id, filter: { metric: { in: CHAOS_METRICS } } },
    { enabled: shown !== undefined },
  );
  if (shown === undefined) return null;
  return (
    <Finding
      question={`Which questions does ${shown.modelId ?? 'the model'} get right?`}
      answer={evaluationText(data?.run?.metrics ?? [])}
      runs={[shown, ...nodes.filter(({ id }) => id !== shown.id).slice(0, 3)].map(({ id }) => ({
        id,
        title: id.split('/').slice(-2).join('/'),
      }))}
    >
      <FamilyAccuracy id={shown.id} />
    </Finding>
  );
}

/** How much of the change of entropy the newest experiment predicts. */
export function Entropy({ run: { id, method } }: { run: NewestRun }): ReactNode {
  return (
    <Finding
      question="Is the change of entropy predicted?"
      answer={undefined}
      runs={[{ id, title: method ?? id }]}
    >
      <EntropyPoints id={id} />
    </Finding>
  );
}
