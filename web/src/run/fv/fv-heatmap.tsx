import { type ReactNode, useCallback } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { drawHeads, type Score } from './heads.ts';
import { type FoundHeads, HEADS } from './queries.ts';

export interface FvHeatmapProps {
  readonly id: string;
  readonly score?: Score | undefined;
}

/** Effects of the heads of a run as a heatmap of blocks and heads; nothing for runs without. */
export function FvHeatmap({ id, score = 'mean_delta_p' }: FvHeatmapProps): ReactNode {
  const draw = useCallback((found: FoundHeads) => drawHeads(found, score), [score]);
  return <AskedFigure question={HEADS} variables={{ id, score }} what="heads" draw={draw} />;
}
