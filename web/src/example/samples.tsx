import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Clipped } from '../ui/clipped.tsx';
import { count } from '../ui/format.ts';
import { Failure } from '../ui/states.tsx';
import { exampleAddress } from './address.ts';
import { type ExampleRun, type Generation, SAMPLES, type Sample } from './queries.ts';
import { labelText } from './text.ts';
import { Word } from './word.tsx';

export interface SamplesProps {
  readonly run: ExampleRun;
  readonly example: string;
  readonly generation: Generation;
  readonly asOf: Variables | undefined;
}

/** Other answers to the same prompt: samples of this run and, once they are asked for, of all runs of the family. */
export function Samples({ run, example, generation, asOf }: SamplesProps): ReactNode {
  // Which example all runs were asked about: stepping on asks about one run again.
  const [asked, setAsked] = useState<string>();
  const everywhere = asked === example;
  const { prompt } = generation;
  const where = everywhere ? { run: { family: { eq: run.family } } } : { runId: { eq: run.id } };
  const result = useAnswer(
    SAMPLES,
    { filter: { prompt: { eq: prompt }, ...where }, asOf },
    { enabled: prompt !== null },
  );
  if (prompt === null) return null;
  if (result.isError) return <Failure error={result.error} again={() => void result.refetch()} />;
  const found = result.isPlaceholderData ? undefined : result.data?.generations;
  const others = found?.nodes.filter((one) => one.runId !== run.id || one.exampleId !== example) ?? [];
  const whole = found !== undefined && found.totalCount <= found.nodes.length;
  return (
    <section>
      <h2>Other answers to this prompt</h2>
      <p className="quiet" role="status">
        {found === undefined
          ? 'Looking for them…'
          : `${whole ? count(others.length) : `The first ${count(others.length)}`} in ${everywhere ? 'all runs of the family' : 'this run'}.`}{' '}
        {!everywhere && (
          <button type="button" onClick={() => setAsked(example)}>
            Look in all runs
          </button>
        )}
      </p>
      {others.length > 0 && <SampleTable samples={others} run={run.id} />}
    </section>
  );
}

function SampleTable({ samples, run }: { samples: readonly Sample[]; run: string }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll tall" tabIndex={0} aria-label="Table of other answers">
      <table>
        <thead>
          <tr>
            <th>Response</th>
            <th>Label</th>
            <th>By</th>
            <th>Model</th>
            <th className="number">Seed</th>
            <th>Run</th>
          </tr>
        </thead>
        <tbody>
          {samples.map((sample) => (
            <tr key={`${sample.runId} ${sample.exampleId} ${sample.sourceLine}`}>
              <td>
                <Clipped>{sample.response}</Clipped>
              </td>
              <td>
                <Word>{sample.abstained === true ? 'declined' : labelText(sample.halu)}</Word>
              </td>
              <td>{sample.labelSource ?? '–'}</td>
              <td>{sample.modelId ?? '–'}</td>
              <td className="number">{sample.seed ?? '–'}</td>
              <td className="run">
                <Link
                  href={exampleAddress({
                    run: sample.runId,
                    example: sample.exampleId,
                    line: sample.sourceLine,
                  })}
                >
                  {sample.runId === run ? 'this run' : sample.runId}
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
