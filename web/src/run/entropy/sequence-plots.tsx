import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { measured } from '../../ui/format.ts';
import { Answer, Empty } from '../../ui/states.tsx';
import { type Comparison, type IdentityCheck, POINTS, SEQUENCES } from './queries.ts';
import { drawScatter, drawSpread } from './sequences.ts';

/** The sequences of a run at one of its learning rates. */
export function SequencePlots({ id }: { id: string }): ReactNode {
  const points = useAnswer(POINTS, { id });
  return (
    <Answer result={points} what="learning rates">
      {({ run }) => {
        const etas = (run?.entropyPoints ?? [])
          .filter(({ nSequences }) => Number(nSequences ?? 0) > 0)
          .map(({ eta }) => String(eta));
        return etas.length === 0 ? (
          <Empty>This run has no numbers of single sequences.</Empty>
        ) : (
          <AtEta id={id} etas={etas} />
        );
      }}
    </Answer>
  );
}

function AtEta({ id, etas }: { id: string; etas: readonly string[] }): ReactNode {
  const [eta = '', setEta] = useChoice('eta', etas);
  const result = useAnswer(SEQUENCES, { id, eta: Number(eta) });
  return (
    <>
      <div className="filters">
        <Choice
          label="Learning rate η"
          options={Object.fromEntries(etas.map((one) => [one, measured(Number(one))]))}
          among={etas}
          chosen={eta}
          choose={setEta}
        />
      </div>
      <Answer result={result} what="sequences">
        {({ entropyComparison: found }) =>
          found === null ? (
            <Empty>Nothing was measured at this learning rate.</Empty>
          ) : (
            <Drawn comparison={found} />
          )
        }
      </Answer>
    </>
  );
}

function Drawn({ comparison }: { comparison: Comparison }): ReactNode {
  const drawings = useMemo(
    () => [drawScatter(comparison), drawSpread(comparison)].filter((drawing) => drawing !== undefined),
    [comparison],
  );
  return (
    <>
      <div className="columns">
        {drawings.map((drawing) => (
          <Figure key={drawing.title} drawing={drawing} />
        ))}
      </div>
      {drawings.length === 0 && <Empty>No sequence has both a true and a predicted contribution.</Empty>}
      <Checks checks={comparison.checks ?? []} />
    </>
  );
}

function Checks({ checks }: { checks: readonly IdentityCheck[] }): ReactNode {
  if (checks.length === 0) return null;
  const asserted = checks.filter(({ asserted: must }) => must === true);
  const holding = asserted.filter(({ holds }) => holds === true).length;
  return (
    <details>
      <summary>
        What must add up: {holding} of {asserted.length} identities hold
      </summary>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Identity</th>
              <th className="number">Difference</th>
              <th className="number">Tolerance</th>
              <th>Holds</th>
            </tr>
          </thead>
          <tbody>
            {checks.map(({ identity, difference, tolerance, holds, asserted: must }) => (
              <tr key={identity}>
                <td>
                  <code>{identity}</code>
                  {must === false && <span className="quiet"> measured only</span>}
                </td>
                <td className="number">{measured(difference)}</td>
                <td className="number">{measured(tolerance)}</td>
                <td>{holds === null ? '–' : holds ? '✓ yes' : '✗ no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
