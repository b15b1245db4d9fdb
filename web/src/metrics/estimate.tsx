import type { ReactNode } from 'react';
import { measured } from '../ui/format.ts';
import type { Estimate, Standing } from './standing.ts';

/** A number with its interval, bold where it is the best. */
export function EstimateText({
  value,
  low,
  high,
  standing,
}: Estimate & { standing?: Standing | undefined }): ReactNode {
  const number = standing === 'best' ? <strong>{measured(value)}</strong> : measured(value);
  return (
    <span title={value === null ? '' : String(value)}>
      {number}
      {low !== null && high !== null && (
        <span className="quiet">
          {' '}
          [{measured(low)}, {measured(high)}]
        </span>
      )}
      {standing === 'tied' && <Tied />}
    </span>
  );
}

/** Marks a number whose interval overlaps that of the best. */
export function Tied(): ReactNode {
  return (
    <abbr title="Its interval overlaps that of the best." className="tied">
      {' '}
      ≈
    </abbr>
  );
}
