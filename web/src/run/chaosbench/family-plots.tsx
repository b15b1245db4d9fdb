import type { ReactNode } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { type FoundMetrics, METRICS } from '../metrics.ts';
import { CHAOS_METRICS, drawBias, drawFamilies } from './families.ts';

export interface FamilyPlotProps {
  readonly id: string;
}

const filter = { metric: { in: CHAOS_METRICS } };
const accuracy = ({ run }: FoundMetrics) => drawFamilies(run?.metrics ?? []);
const bias = ({ run }: FoundMetrics) => drawBias(run?.metrics ?? []);

/** Accuracy of a run by family of items, as bars; nothing for runs without. */
export function FamilyAccuracy({ id }: FamilyPlotProps): ReactNode {
  return <AskedFigure question={METRICS} variables={{ id, filter }} what="families" draw={accuracy} />;
}

/** How far a run leans to one answer, by family of items; nothing for runs without. */
export function FamilyLeaning({ id }: FamilyPlotProps): ReactNode {
  return <AskedFigure question={METRICS} variables={{ id, filter }} what="families" draw={bias} />;
}
