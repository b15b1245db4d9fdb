import type { ReactNode } from 'react';
import { measured } from '../ui/format.ts';
import type { Estimate, Standing } from './standing.ts';

export interface EstimateTextProps extends Estimate {
  readonly standing?: Standing | undefined;
  /** Whether a number above zero says so: differences do. */
  readonly signed?: boolean;
}

/** A number with its interval, bold where it is the best. */
export function EstimateText({ value, low, high, standing, signed = false }: EstimateTextProps): ReactNode {
  const text = `${signed && value !== null && value > 0 ? '+' : ''}${measured(value)}`;
  const number = standing === 'best' ? <strong>{text}</strong> : text;
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
