import * as Plot from '@observablehq/plot';
import { type ReactNode, useMemo } from 'react';
import type { z } from 'zod';
import { useAnswer } from '../api/use-answer.ts';
import { Figure } from '../plots/figure.tsx';
import { Answer, Empty } from '../ui/states.tsx';
import { FUNCTION_VECTOR } from './queries.ts';

type Found = z.infer<typeof FUNCTION_VECTOR.schema>;

const CURVES = [
  ['vector', 'function vector', '#b5403a'],
  ['random', 'random vector of its length', '#7a8891'],
  ['other', 'vector of another relation', '#3b7fb0'],
] as const;

/** Which heads carry the relation, and what adding their vector does. */
export function FunctionVector({ id }: { id: string }): ReactNode {
  const held = useAnswer(FUNCTION_VECTOR, { id, metric: 'delta_acc', set: 'HELD_OUT' });
  const extraction = useAnswer(
    FUNCTION_VECTOR,
    { id, metric: 'delta_acc', set: 'EXTRACTION' },
    { enabled: held.data?.vector.length === 0 },
  );
  const without = held.data?.vector.length === 0 && extraction.data !== undefined;
  return (
    <Answer result={held} what="heads and layers">
      {(found) => (
        <Drawn
          found={without ? extraction.data : found}
          on={without ? 'the examples it was made of' : 'held-out pairs'}
        />
      )}
    </Answer>
  );
}

function Drawn({ found, on }: { found: Found; on: string }): ReactNode {
  const { cells, heatmap, points, curve } = useMemo(() => drawingsOf(found, on), [found, on]);
  if (cells.length === 0 && points.length === 0)
    return <Empty>This run has neither head scores nor injections.</Empty>;
  return (
    <div className="columns">
      {cells.length > 0 && (
        <Figure
          title="Average indirect effect of the heads"
          description="What restores the right answer's probability; numbers are the ranks of the top heads."
          rows={cells}
          plot={heatmap}
        />
      )}
      {points.length > 0 && (
        <Figure
          title="Adding the vector"
          description={`Zero-shot accuracy on ${on} with a vector added behind each block; dashed: nothing added.`}
          rows={points}
          plot={curve}
        />
      )}
    </div>
  );
}

function drawingsOf(found: Found, on: string) {
  const { fvHeatmap } = found;
  const cells = (fvHeatmap?.matrix ?? []).flatMap((row, layer) =>
    row.flatMap((effect, head) => (effect === null ? [] : [{ layer, head, effect }])),
  );
  const limit = Math.max(...cells.map(({ effect }) => Math.abs(effect)), Number.MIN_VALUE);
  const heatmap: Plot.PlotOptions = {
    padding: 0.04,
    x: { label: 'head', tickFormat: 'd' },
    y: { label: 'block', reverse: true, tickFormat: 'd' },
    color: {
      scheme: 'RdBu',
      reverse: true,
      domain: [-limit, limit],
      legend: true,
      label: 'change of probability',
    },
    marks: [
      Plot.cell(cells, { x: 'head', y: 'layer', fill: 'effect', tip: true }),
      Plot.text(fvHeatmap?.topHeads ?? [], {
        x: 'head',
        y: 'layer',
        text: 'rank',
        fill: ({ score }: { score: number | null }) =>
          Math.abs(score ?? 0) > 0.6 * limit ? 'white' : 'black',
      }),
    ],
  };
  const points = CURVES.flatMap(([key, name]) =>
    found[key].map(({ layer, with: accuracy }) => ({ layer, vector: name, accuracy })),
  );
  const [first] = found.vector;
  const curve: Plot.PlotOptions = {
    x: { label: 'added behind block', ticks: found.vector.map(({ layer }) => layer), tickFormat: 'd' },
    y: { label: `accuracy on ${on}`, domain: [0, 1], grid: true },
    color: {
      domain: CURVES.map(([, name]) => name),
      range: CURVES.map(([, , colour]) => colour),
      legend: true,
    },
    marks: [
      Plot.ruleY(first?.baseline === null || first?.baseline === undefined ? [] : [first.baseline], {
        strokeDasharray: '4 4',
      }),
      Plot.line(points, { x: 'layer', y: 'accuracy', stroke: 'vector', strokeWidth: 2 }),
      Plot.dot(points, { x: 'layer', y: 'accuracy', fill: 'vector', r: 3.5, tip: true }),
    ],
  };
  return { cells, heatmap, points, curve };
}
