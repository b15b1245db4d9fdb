import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { count } from '../../ui/format.ts';
import { Answer, Empty } from '../../ui/states.tsx';
import { SCORES, scoreGroups } from './queries.ts';
import { bandsOf } from './resampling.ts';
import { drawCalibration, drawHistogram, drawPrecision, drawRoc } from './score-drawings.ts';
import { type ScoreGroup, totalsOf } from './scored.ts';

export interface ScorePlotsProps {
  readonly id: string;
  /** Predictions of the run, with or without a score and a label. */
  readonly predictions: number;
}

/** How well scores tell made-up answers from right ones. */
export function ScorePlots({ id, predictions }: ScorePlotsProps): ReactNode {
  const result = useAnswer(SCORES, scoreGroups(id));
  return (
    <Answer result={result} what="scores">
      {(groups) => <Drawn groups={groups} predictions={predictions} />}
    </Answer>
  );
}

interface DrawnProps {
  readonly groups: readonly ScoreGroup[];
  readonly predictions: number;
}

function Drawn({ groups, predictions }: DrawnProps): ReactNode {
  const drawings = useMemo(() => {
    const bands = bandsOf(groups);
    return [
      drawRoc(groups, bands),
      drawPrecision(groups, bands),
      drawHistogram(groups),
      drawCalibration(groups),
    ].filter((drawing) => drawing !== undefined);
  }, [groups]);
  const { positives, negatives } = totalsOf(groups);
  const without = predictions - positives - negatives;
  if (drawings.length === 0) return <Empty>No prediction of this run has a score and a label.</Empty>;
  return (
    <>
      {without > 0 && (
        <p className="quiet">{count(without)} predictions without a score or a label are left out.</p>
      )}
      {(positives === 0 || negatives === 0) && (
        <p className="quiet">All answers have one label, so there is nothing to tell apart: no ROC.</p>
      )}
      <div className="columns">
        {drawings.map((drawing) => (
          <Figure key={drawing.title} drawing={drawing} />
        ))}
      </div>
    </>
  );
}
