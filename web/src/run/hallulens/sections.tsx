import type { RunSection } from '../section.ts';
import { LayerPlot } from './layer-plot.tsx';
import { ScorePlots } from './score-plots.tsx';

export const HALLULENS_SECTIONS: readonly RunSection[] = [
  {
    id: 'scores',
    title: 'Scores',
    shown: ({ nPredictions }) => nPredictions > 0,
    Body: ({ run: { id } }) => (
      <>
        <LayerPlot id={id} />
        <ScorePlots id={id} />
      </>
    ),
  },
];
