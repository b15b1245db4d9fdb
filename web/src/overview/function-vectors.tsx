import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { FvCurve } from '../run/fv/fv-curve.tsx';
import { FvHeatmap } from '../run/fv/fv-heatmap.tsx';
import { HEADS, INJECTIONS } from '../run/fv/queries.ts';
import { Finding } from './finding.tsx';
import type { NewestRun, NewestRuns } from './queries.ts';
import { headsText, injectionText } from './sentences.ts';

/** Which heads carry the relation of the newest run, and what adding their vector does. */
export function FunctionVectors({ newest: { nodes } }: { newest: NewestRuns }): ReactNode {
  const [run] = nodes;
  return run && <Vector run={run} others={nodes.slice(1, 4)} />;
}

interface VectorProps {
  readonly run: NewestRun;
  readonly others: readonly NewestRun[];
}

function Vector({ run: { id }, others }: VectorProps): ReactNode {
  const heads = useAnswer(HEADS, { id, score: 'mean_delta_p' });
  const injections = useAnswer(INJECTIONS, { id });
  const relation = relationOf(id);
  const runs = [{ id }, ...others].map((run) => ({ id: run.id, title: relationOf(run.id) }));
  return (
    <>
      <Finding
        question={`Which heads carry the relation “${relation}”?`}
        answer={heads.data && headsText(heads.data)}
        runs={runs}
      >
        <FvHeatmap id={id} />
      </Finding>
      <Finding
        question="What does adding their function vector do?"
        answer={injections.data && injectionText(injections.data.fvInjections.nodes)}
        runs={runs}
      >
        <FvCurve id={id} />
      </Finding>
    </>
  );
}

/** Ids of these runs are `namespace/fv/dataset/relation/model`. */
function relationOf(id: string): string {
  return id.split('/').at(-2) ?? id;
}
