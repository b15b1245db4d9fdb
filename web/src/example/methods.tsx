import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Clipped } from '../ui/clipped.tsx';
import { count, measured } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { exampleAddress } from './address.ts';
import { judgedLayers } from './judged-layers.ts';
import { aboutText } from './methods.ts';
import { type ExampleRun, type Generation, METHODS, type OtherPrediction } from './queries.ts';
import { labelText, verdictText } from './text.ts';
import { Word } from './word.tsx';

export interface MethodsProps {
  readonly run: ExampleRun;
  readonly example: string;
  readonly generation: Generation | undefined;
  /** Leaves the predictions about the example. */
  readonly filter: Variables;
  readonly asOf: Variables | undefined;
}

/** What every method says about the example, in whichever run. */
export function Methods({ run, example, generation, filter, asOf }: MethodsProps): ReactNode {
  const result = useAnswer(METHODS, { filter, asOf });
  const scored = run.family === 'HALLULENS';
  return (
    <section>
      <h2>{scored ? 'Every method on this example' : 'Every run on this example'}</h2>
      <Answer result={result} what="predictions">
        {({ predictions: { nodes, totalCount } }) =>
          nodes.length === 0 ? (
            <Empty>No run has a prediction about it.</Empty>
          ) : (
            <>
              <p className="quiet">
                {count(totalCount)} {totalCount === 1 ? 'prediction' : 'predictions'}
                {totalCount > nodes.length && `, the first ${count(nodes.length)} of them`}
              </p>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
              <section className="scroll tall" tabIndex={0} aria-label="Table of predictions">
                {scored ? (
                  <Scores rows={nodes} run={run.id} example={example} shown={generation} />
                ) : (
                  <Answers rows={nodes} run={run.id} example={example} />
                )}
              </section>
            </>
          )
        }
      </Answer>
    </section>
  );
}

interface RowsProps {
  readonly rows: readonly OtherPrediction[];
  readonly run: string;
  readonly example: string;
}

const TEXTS = { this: 'this one', another: 'another', unknown: 'not in its run' } as const;

function Scores({ rows, run, example, shown }: RowsProps & { shown: Generation | undefined }): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          <th>Method</th>
          <th>Layers</th>
          <th className="number">Seed</th>
          <th className="number">Score</th>
          <th className="number">Threshold</th>
          <th>Says</th>
          <th>Label</th>
          <th>Prediction</th>
          <th>Answer</th>
          <th>Run</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            <td>{row.method ?? row.run?.method ?? '–'}</td>
            <td>{judgedLayers(row.run?.config) ?? '–'}</td>
            <td className="number">{row.seed ?? row.run?.seed ?? '–'}</td>
            <td className="number" title={row.scoreHalu?.toString() ?? ''}>
              {measured(row.scoreHalu)}
            </td>
            <td className="number">{measured(row.threshold)}</td>
            <td>{labelText(row.predHalu)}</td>
            <td>{labelText(row.labelHalu)}</td>
            <td>
              <Word>{verdictText(row)}</Word>
            </td>
            <td>{TEXTS[aboutText(row, shown)]}</td>
            <RunCell row={row} run={run} example={example} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Answers({ rows, run, example }: RowsProps): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          <th>Model</th>
          <th>Method</th>
          <th>Said</th>
          <th>Truth</th>
          <th>Judged</th>
          <th>Response</th>
          <th className="number">Seconds</th>
          <th>Run</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            <td>{row.modelId ?? row.run?.modelId ?? '–'}</td>
            <td>{row.method ?? row.run?.method ?? '–'}</td>
            <td>{row.predLabel ?? '–'}</td>
            <td>{row.trueLabel ?? '–'}</td>
            <td>
              <Word>{verdictText(row)}</Word>
            </td>
            <td>
              <Clipped>{row.generation?.response}</Clipped>
            </td>
            <td className="number">{measured(row.latencyS)}</td>
            <RunCell row={row} run={run} example={example} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function keyOf({ run, method, sourceLine }: OtherPrediction): string {
  return [run?.id, method, sourceLine].join('\n');
}

function RunCell({ row, run, example }: { row: OtherPrediction; run: string; example: string }): ReactNode {
  const other = row.run?.id;
  return (
    <td className="run">
      {other === undefined ? (
        '–'
      ) : other === run ? (
        <span aria-current="true">this run</span>
      ) : (
        <Link href={exampleAddress({ run: other, example, line: row.sourceLine })}>{other}</Link>
      )}
    </td>
  );
}
