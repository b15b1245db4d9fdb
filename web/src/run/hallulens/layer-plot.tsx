import type { ReactNode } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { type FoundMetrics, METRICS } from '../metrics.ts';
import { drawLayers } from './layers.ts';

const draw = ({ run }: FoundMetrics) => drawLayers(run?.metrics ?? []);

/** AUROC of a run's probes by layer; nothing for runs without. */
export function LayerPlot({ id }: { id: string }): ReactNode {
  const variables = { id, filter: { metric: { eq: 'auroc' } } };
  return <AskedFigure question={METRICS} variables={variables} what="probes of the layers" draw={draw} />;
}
