import type { RunSection } from '../section.ts';
import { ActivationPlots } from './activation-plots.tsx';
import { LayerPlot } from './layer-plot.tsx';
import { ScorePlots } from './score-plots.tsx';
import { TrainingPlots } from './training-plots.tsx';

export const HALLULENS_SECTIONS: readonly RunSection[] = [
  {
    id: 'scores',
    title: 'Scores',
    shown: ({ nPredictions }) => nPredictions > 0,
    Body: ({ run: { id, nPredictions } }) => (
      <>
        <LayerPlot id={id} />
        <ScorePlots id={id} predictions={nPredictions} />
      </>
    ),
  },
  {
    id: 'training',
    title: 'Training',
    shown: ({ logged }) => logged.length > 0,
    Body: ({ run: { id } }) => <TrainingPlots id={id} />,
  },
  {
    id: 'activations',
    title: 'Activations',
    shown: ({ nActivations }) => nActivations > 0,
    Body: ({ run: { id } }) => <ActivationPlots id={id} />,
  },
];
