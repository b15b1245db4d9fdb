import type { ReactNode } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { drawPoints } from './points.ts';
import { POINTS } from './queries.ts';

/** True and predicted change of entropy of a run by learning rate; nothing for runs without. */
export function EntropyPoints({ id }: { id: string }): ReactNode {
  return <AskedFigure question={POINTS} variables={{ id }} what="changes" draw={drawPoints} />;
}
