import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Variables } from '../../api/client.ts';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { Clipped } from '../../ui/clipped.tsx';
import { count, measured } from '../../ui/format.ts';
import { Answer } from '../../ui/states.tsx';
import { exampleAddress } from '../address.ts';
import { labelText, shortId } from '../text.ts';
import { Word } from '../word.tsx';
import { type NearAnswers, standsFor, useNearest } from './nearest.ts';
import type { Recording } from './norms.ts';

const NONE = 'none';

export interface NearestProps {
  readonly activationKey: string;
  readonly recording: Recording;
  readonly asOf: Variables | undefined;
}

/** Answers during which the model was in the most similar state; asked for by choosing a layer. */
export function Nearest({ activationKey, recording, asOf }: NearestProps): ReactNode {
  const layers = recording.layers.map(String);
  const [near, choose] = useChoice('near', [NONE, ...layers]);
  const own = near === undefined || near === NONE ? undefined : standsFor(recording, Number(near));
  const result = useNearest(activationKey, own, asOf);
  return (
    <section>
      <h3>Answers with the nearest activations</h3>
      <div className="filters">
        <Choice
          label="Compared at"
          options={Object.fromEntries([
            [NONE, 'no layer'],
            ...layers.map((layer) => [layer, `layer ${layer}`]),
          ])}
          among={[NONE, ...layers]}
          chosen={near}
          choose={choose}
        />
      </div>
      {own !== undefined && (
        <Answer result={result} what="the nearest answers">
          {(found) =>
            found === null ? null : (
              <NearTable found={found} near={near} every={recording.tokenSelector === 'all'} />
            )
          }
        </Answer>
      )}
    </section>
  );
}

interface NearTableProps {
  readonly found: NearAnswers;
  readonly near: string | undefined;
  /** Whether every token is stored. */
  readonly every: boolean;
}

function NearTable({ found, near, every }: NearTableProps): ReactNode {
  return (
    <>
      <p className="quiet">
        By cosine, among {count(found.n)} others in the store{every && ', at the last token of each'}.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="scroll" tabIndex={0} aria-label="Table of nearest answers">
        <table className="examples">
          <thead>
            <tr>
              <th>Example</th>
              <th className="number">Cosine</th>
              <th>Label</th>
              <th>Prompt</th>
              <th>Response</th>
            </tr>
          </thead>
          <tbody>
            {found.rows.map(({ key, cosine, answer }) => (
              <tr key={key}>
                <td>
                  {answer === undefined ? (
                    shortId(key)
                  ) : (
                    <Link
                      href={exampleAddress({
                        run: answer.runId,
                        example: answer.exampleId,
                        near,
                      })}
                    >
                      {shortId(answer.exampleId)}
                    </Link>
                  )}
                </td>
                <td className="number">{measured(cosine)}</td>
                <td>
                  <Word>{labelText(answer?.halu)}</Word>
                </td>
                <td className="wide">
                  <Clipped>{answer?.prompt}</Clipped>
                </td>
                <td className="wide">
                  <Clipped>{answer?.response}</Clipped>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
