import { type ReactNode, useMemo } from 'react';
import type { z } from 'zod';
import type { Variables } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { measured } from '../../ui/format.ts';
import { Answer } from '../../ui/states.tsx';
import { changeText, tokenText } from '../text.ts';
import { INJECTED, type InjectedAnswer } from './injected.ts';
import { headDrawing, injectionDrawing, topTrials } from './injection-drawings.ts';

export interface InjectionsProps {
  readonly run: string;
  readonly example: string;
  readonly asOf: Variables | undefined;
}

/** What the function vector, or a patched head, does to one prompt. */
export function Injections({ run, example, asOf }: InjectionsProps): ReactNode {
  const result = useAnswer(INJECTED, { run, example, asOf });
  return (
    <Answer result={result} what="its trials">
      {(found) => <Drawn found={found} />}
    </Answer>
  );
}

function Drawn({ found }: { found: InjectedAnswer }): ReactNode {
  const [injected, patched] = useMemo(
    () => [injectionDrawing(found.fvInjectionTrials.nodes), headDrawing(found.fvTrials.nodes)],
    [found],
  );
  return (
    <>
      {injected && (
        <section>
          <h2>With the function vector</h2>
          <div className="columns">
            <Figure drawing={injected} />
            <ByBlock rows={found.fvInjectionTrials.nodes} />
          </div>
        </section>
      )}
      {patched && (
        <section>
          <h2>With one head patched</h2>
          <div className="columns">
            <Figure drawing={patched} />
            <Heads rows={topTrials(found.fvTrials.nodes)} />
          </div>
        </section>
      )}
    </>
  );
}

type Nodes<K extends keyof InjectedAnswer> = z.infer<typeof INJECTED.schema>[K]['nodes'];

function ByBlock({ rows }: { rows: Nodes<'fvInjectionTrials'> }): ReactNode {
  const own = rows.filter(({ vectorKind }) => vectorKind === null || vectorKind === 'function_vector');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll tall" tabIndex={0} aria-label="The function vector behind each block">
      <table>
        <thead>
          <tr>
            <th className="number">Block</th>
            <th className="number">p without</th>
            <th className="number">p with</th>
            <th className="number">Δp</th>
            <th>Most likely token</th>
          </tr>
        </thead>
        <tbody>
          {own.map(({ layer, pBase, pWith, deltaP, accuracyBase, accuracyWith, querySet, qId }) => (
            <tr key={`${layer} ${querySet} ${qId}`}>
              <td className="number">{layer}</td>
              <td className="number">{measured(pBase)}</td>
              <td className="number">{measured(pWith)}</td>
              <td className="number">{measured(deltaP)}</td>
              <td>{changeText(accuracyBase, accuracyWith)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Heads({ rows }: { rows: Nodes<'fvTrials'> }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll tall" tabIndex={0} aria-label="Heads that restore the answer most">
      <table>
        <thead>
          <tr>
            <th className="number">Block</th>
            <th className="number">Head</th>
            <th className="number">p without</th>
            <th className="number">p patched</th>
            <th className="number">Δp</th>
            <th>Target</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ layer, head, pBase, pPatch, deltaP, targetToken, qId, slotIdx }) => (
            <tr key={`${layer} ${head} ${qId} ${slotIdx}`}>
              <td className="number">{layer}</td>
              <td className="number">{head}</td>
              <td className="number">{measured(pBase)}</td>
              <td className="number">{measured(pPatch)}</td>
              <td className="number">{measured(deltaP)}</td>
              <td>{tokenText(targetToken)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
