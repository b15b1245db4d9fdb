import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { type FoundTraining, TRAINING } from './queries.ts';
import { drawTraining } from './training.ts';

/** The training log of a run. */
export function TrainingPlots({ id }: { id: string }): ReactNode {
  const result = useAnswer(TRAINING, { id });
  return (
    <Answer result={result} what="the training log">
      {(found) => <Drawn found={found} />}
    </Answer>
  );
}

function Drawn({ found }: { found: FoundTraining }): ReactNode {
  const drawings = useMemo(() => drawTraining(found), [found]);
  if (drawings.length === 0) return <Empty>This run has no training log.</Empty>;
  return (
    <div className="columns">
      {drawings.map((drawing) => (
        <Figure key={drawing.title} drawing={drawing} />
      ))}
    </div>
  );
}
