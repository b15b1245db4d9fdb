import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { FvCurve } from '../run/fv/fv-curve.tsx';
import { FvHeatmap } from '../run/fv/fv-heatmap.tsx';
import { HEADS, INJECTIONS } from '../run/fv/queries.ts';
import { Finding } from './finding.tsx';
import type { VectorRun } from './queries.ts';
import { headsText, injectionText } from './sentences.ts';

/** Which heads carry the relation of the newest run with head scores, and what adding their vector does. */
export function FunctionVectors({ runs }: { runs: readonly VectorRun[] }): ReactNode {
  const scored = runs.filter(({ fvHeads }) => fvHeads.length > 0);
  const injected = runs.filter(({ fvInjections }) => fvInjections.length > 0);
  // Of one run, where one has both.
  const both = scored.find((run) => injected.includes(run));
  return (
    <>
      <Heads runs={newestFirst(both, scored)} />
      <Injections runs={newestFirst(both, injected)} />
    </>
  );
}

const SHOWN = 4;

function newestFirst(first: VectorRun | undefined, runs: readonly VectorRun[]): readonly VectorRun[] {
  return (first === undefined ? runs : [first, ...runs.filter((run) => run !== first)]).slice(0, SHOWN);
}

function Heads({ runs }: { runs: readonly VectorRun[] }): ReactNode {
  const [run] = runs;
  const heads = useAnswer(HEADS, { id: run?.id, score: 'mean_delta_p' }, { enabled: run !== undefined });
  if (run === undefined) return null;
  return (
    <Finding
      question={`Which heads carry the relation “${relationOf(run)}”?`}
      answer={heads.data && headsText(heads.data)}
      runs={runs.map(titled)}
    >
      <FvHeatmap id={run.id} />
    </Finding>
  );
}

function Injections({ runs }: { runs: readonly VectorRun[] }): ReactNode {
  const [run] = runs;
  const injections = useAnswer(INJECTIONS, { id: run?.id }, { enabled: run !== undefined });
  if (run === undefined) return null;
  return (
    <Finding
      question={`What does adding the function vector of “${relationOf(run)}” do?`}
      answer={injections.data && injectionText(injections.data.fvInjections.nodes)}
      runs={runs.map(titled)}
    >
      <FvCurve id={run.id} />
    </Finding>
  );
}

function titled(run: VectorRun) {
  return { id: run.id, title: relationOf(run) };
}

/** The relation that a run is about, as its dataset names it. */
function relationOf({ split, benchmark, id }: VectorRun): string {
  return split ?? benchmark ?? id.split('/').at(-1) ?? id;
}
