import * as Plot from '@observablehq/plot';
import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { areaBelow, rocCurve } from '../../plots/roc.ts';
import { count, measured } from '../../ui/format.ts';
import { Answer } from '../../ui/states.tsx';
import { SCORES } from './queries.ts';

const LABELS = { domain: ['right', 'made up'], range: ['#3b7fb0', '#d9822b'] };

/** How well scores tell made-up answers from right ones. */
export function ScorePlots({ id }: { id: string }): ReactNode {
  const result = useAnswer(SCORES, { id });
  return (
    <Answer result={result} what="scores">
      {({ predictions }) => <Drawn nodes={predictions.nodes} total={predictions.totalCount} />}
    </Answer>
  );
}

interface DrawnProps {
  readonly nodes: readonly { readonly scoreHalu: number; readonly labelHalu: boolean }[];
  readonly total: number;
}

function Drawn({ nodes, total }: DrawnProps): ReactNode {
  const { rows, curve, histogram, roc } = useMemo(() => {
    const drawn = nodes.map(({ scoreHalu, labelHalu }) => ({
      score: scoreHalu,
      label: labelHalu ? 'made up' : 'right',
    }));
    const points = rocCurve(
      nodes.map(({ scoreHalu, labelHalu }) => ({ score: scoreHalu, positive: labelHalu })),
    );
    const bars: Plot.PlotOptions = {
      color: { ...LABELS, legend: true },
      x: { label: 'score (higher: rather made up)' },
      y: { label: 'answers', grid: true },
      marks: [
        Plot.rectY(
          drawn,
          Plot.binX<Plot.RectYOptions>(
            { y: 'count' },
            { x: 'score', fill: 'label', thresholds: 24, tip: true },
          ),
        ),
        Plot.ruleY([0]),
      ],
    };
    const line: Plot.PlotOptions = {
      x: { label: 'false positive rate', domain: [0, 1] },
      y: { label: 'true positive rate', domain: [0, 1], grid: true },
      marks: [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: 'currentColor', strokeDasharray: '4 4', strokeOpacity: 0.5 },
        ),
        Plot.line(points, {
          x: 'falsePositiveRate',
          y: 'truePositiveRate',
          stroke: '#3b7fb0',
          strokeWidth: 2,
        }),
        Plot.tip(
          points,
          Plot.pointer({
            x: 'falsePositiveRate',
            y: 'truePositiveRate',
            channels: { threshold: 'threshold' },
          }),
        ),
      ],
    };
    return { rows: drawn, curve: points, histogram: bars, roc: line };
  }, [nodes]);
  if (curve.length === 0) return null;
  const part =
    total > nodes.length ? ` The first ${count(nodes.length)} of ${count(total)} predictions.` : '';
  return (
    <div className="columns">
      <Figure
        drawing={{
          title: 'Scores by label',
          description: `Where the two colours part, the score tells made-up answers from right ones.${part}`,
          rows,
          plot: histogram,
        }}
      />
      <Figure
        drawing={{
          title: 'ROC',
          description: `Area ${measured(areaBelow(curve))}; the dashed diagonal is guessing.${part}`,
          rows: curve.map((row) => ({ ...row })),
          plot: roc,
        }}
      />
    </div>
  );
}
