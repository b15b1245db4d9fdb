import type { ReactNode } from 'react';
import { measured } from '../../ui/format.ts';
import type { FoundHeads } from './queries.ts';

/** The top heads in their order, and how sure it is who is among them. */
export function TopHeads({ heatmap }: { heatmap: NonNullable<FoundHeads['fvHeatmap']> }): ReactNode {
  const { topHeads, boundaryGap } = heatmap;
  if (topHeads.length === 0) return null;
  const told = topHeads.some(({ selected }) => selected !== null);
  return (
    <details>
      <summary>The top {topHeads.length} heads</summary>
      {boundaryGap !== null && (
        <p className="quiet">
          The last is {measured(boundaryGap)} above the next: scores that are wrong by half of it may change
          which heads are here.
        </p>
      )}
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th className="number">Rank</th>
              <th className="number">Block</th>
              <th className="number">Head</th>
              <th className="number">Effect</th>
              {told && <th>In the run's vector</th>}
            </tr>
          </thead>
          <tbody>
            {topHeads.map(({ rank, layer, head, score, selected, tied }) => (
              <tr key={rank}>
                <td className="number">
                  {rank}
                  {tied && ' (tied)'}
                </td>
                <td className="number">{layer}</td>
                <td className="number">{head}</td>
                <td className="number">{measured(score, 4)}</td>
                {told && <td>{selected === null ? '–' : selected ? '✓ yes' : '✗ no'}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
