import type { ReactNode } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { type FoundMetrics, METRICS } from '../metrics.ts';
import type { RunSection } from '../section.ts';
import { EntropyPoints } from './entropy-points.tsx';
import { drawFeatures, FEATURE_METRICS } from './features.ts';
import { SequencePlots } from './sequence-plots.tsx';

const features = ({ run }: FoundMetrics) => drawFeatures(run?.metrics ?? []);

function ControlVariates({ id }: { id: string }): ReactNode {
  const variables = { id, filter: { metric: { in: FEATURE_METRICS } } };
  return <AskedFigure question={METRICS} variables={variables} what="control variates" draw={features} />;
}

export const ENTROPY_SECTIONS: readonly RunSection[] = [
  {
    id: 'change',
    title: 'Change of entropy',
    shown: ({ entropyUpdate }) => entropyUpdate !== null && entropyUpdate.shape !== 'control_variate',
    Body: ({ run: { id } }) => <EntropyPoints id={id} />,
  },
  {
    id: 'sequences',
    title: 'Sequences',
    shown: ({ entropyUpdate }) => entropyUpdate?.shape === 'diagnostics',
    Body: ({ run: { id } }) => <SequencePlots id={id} />,
  },
  {
    id: 'control-variates',
    title: 'Control variates',
    shown: ({ entropyUpdate }) => entropyUpdate?.shape === 'control_variate',
    Body: ({ run: { id } }) => <ControlVariates id={id} />,
  },
];
