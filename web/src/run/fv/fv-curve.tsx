import { type ReactNode, useCallback } from 'react';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { drawInjections, type Measure, type QuerySet } from './injections.ts';
import { type FoundInjections, INJECTIONS } from './queries.ts';

export interface FvCurveProps {
  readonly id: string;
  readonly measure?: Measure | undefined;
  /** Held-out pairs by default, where there are some. */
  readonly set?: QuerySet | undefined;
}

/** What adding the function vector and its controls does, by layer; nothing for runs without injections. */
export function FvCurve({ id, measure = 'accuracy', set }: FvCurveProps): ReactNode {
  const draw = useCallback(
    ({ fvInjections }: FoundInjections) => drawInjections(fvInjections.nodes, measure, set),
    [measure, set],
  );
  return <AskedFigure question={INJECTIONS} variables={{ id }} what="injections" draw={draw} />;
}
