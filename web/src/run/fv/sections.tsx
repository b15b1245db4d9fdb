import type { ReactNode } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { Empty } from '../../ui/states.tsx';
import type { RunSection } from '../section.ts';
import { FvCurve } from './fv-curve.tsx';
import { FvHeatmap } from './fv-heatmap.tsx';
import { SCORES, type Score } from './heads.ts';
import { MEASURES, type Measure, QUERY_SETS, querySetsOf } from './injections.ts';
import { HEADS, INJECTIONS } from './queries.ts';
import { TopHeads } from './top-heads.tsx';

const SCORE_KEYS = Object.keys(SCORES) as Score[];
const MEASURE_KEYS = Object.keys(MEASURES) as Measure[];
const MEASURE_TITLES = {
  accuracy: MEASURES.accuracy.title,
  probability: MEASURES.probability.title,
  logprob: MEASURES.logprob.title,
};

function Heads({ id }: { id: string }): ReactNode {
  const [score, setScore] = useChoice('score', SCORE_KEYS);
  const found = useAnswer(HEADS, { id, score });
  if (found.data?.fvHeatmap === null && score === SCORE_KEYS[0])
    return <Empty>This run has no scores of heads.</Empty>;
  return (
    <>
      <div className="filters">
        <Choice label="Effect" options={SCORES} among={SCORE_KEYS} chosen={score} choose={setScore} />
      </div>
      <FvHeatmap id={id} score={score} />
      {found.data?.fvHeatmap && <TopHeads heatmap={found.data.fvHeatmap} />}
    </>
  );
}

function Injections({ id }: { id: string }): ReactNode {
  const found = useAnswer(INJECTIONS, { id });
  const sets = querySetsOf(found.data?.fvInjections.nodes ?? []);
  const [measure, setMeasure] = useChoice('measure', MEASURE_KEYS);
  const [set, setSet] = useChoice('pairs', sets);
  if (found.data?.fvInjections.nodes.length === 0) return <Empty>No vector was added in this run.</Empty>;
  return (
    <>
      <div className="filters">
        <Choice
          label="Measure"
          options={MEASURE_TITLES}
          among={MEASURE_KEYS}
          chosen={measure}
          choose={setMeasure}
        />
        <Choice label="Pairs" options={QUERY_SETS} among={sets} chosen={set} choose={setSet} />
      </div>
      <FvCurve id={id} measure={measure} set={set} />
    </>
  );
}

export const FV_SECTIONS: readonly RunSection[] = [
  {
    id: 'heads',
    title: 'Heads and layers',
    shown: () => true,
    Body: ({ run: { id } }) => (
      <div className="columns">
        <div>
          <Heads id={id} />
        </div>
        <div>
          <Injections id={id} />
        </div>
      </div>
    ),
  },
];
