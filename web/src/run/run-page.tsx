import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { count, measured } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { Examples } from './examples.tsx';
import { RUN, type RunDetail } from './queries.ts';
import { sectionsOf } from './sections.ts';

export function RunPage({ id }: { id: string }): ReactNode {
  const result = useAnswer(RUN, { id });
  return (
    <Answer result={result} what="the run">
      {({ run }) => (run === null ? <Empty>There is no run {id}.</Empty> : <Detail key={run.id} run={run} />)}
    </Answer>
  );
}

function Detail({ run }: { run: RunDetail }): ReactNode {
  return (
    <>
      <h1>{run.id}</h1>
      <p>
        <Badge>{run.status}</Badge> {run.verdict !== null && <Badge>{run.verdict}</Badge>}
      </p>
      <Summary run={run} />
      {sectionsOf(run.family)
        .filter(({ shown }) => shown(run))
        .map(({ id, title, Body }) => (
          <section key={id} id={id}>
            <h2>{title}</h2>
            <Body run={run} />
          </section>
        ))}
      <Issues run={run} />
      <h2>Metrics</h2>
      <Metrics run={run} />
      <h2>Examples</h2>
      <Examples run={run} />
    </>
  );
}

function Summary({ run }: { run: RunDetail }): ReactNode {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Family', run.family],
    ['Method', run.method ?? '–'],
    ['Model', run.modelId ?? '–'],
    ['Benchmark', [run.benchmark, run.split].filter((part) => part !== null).join(', ') || '–'],
    ['Seed', run.seed ?? '–'],
    [
      'Rows',
      `${count(run.nGenerations)} generations, ${count(run.nPredictions)} predictions, ${count(run.nActivations)} activations`,
    ],
    ['Created', <Time key="created" iso={run.createdAt} />],
    ['Ingested', <Time key="ingested" iso={run.ingestedAt} />],
    ['Source', <code key="source">{run.sourceUri ?? '–'}</code>],
    ['Content', <code key="content">sha256:{run.contentSha256}</code>],
    [
      'Code',
      run.gitCommit === null
        ? '–'
        : `${run.gitCommit.slice(0, 12)}${run.gitDirty ? ', with uncommitted changes' : ''}`,
    ],
  ];
  return (
    <div className="columns">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      <div>
        {run.duplicateOf !== null && (
          <p>The same measurement as {run.duplicateOf}; it is not counted twice.</p>
        )}
        {(run.verdictReasons?.length ?? 0) > 0 && (
          <details>
            <summary>Why {run.verdict}</summary>
            <ul>
              {run.verdictReasons?.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </details>
        )}
        {run.compliance !== null && (
          <details>
            <summary>
              Contract: {run.compliance.filter(({ passed }) => passed === true).length} of{' '}
              {run.compliance.length} items hold
            </summary>
            <ul>
              {run.compliance.map(({ item, passed }) => (
                <li key={item}>
                  {passed === true ? '✓' : passed === false ? '✗' : '?'} {item}
                </li>
              ))}
            </ul>
          </details>
        )}
        <details>
          <summary>Configuration</summary>
          <pre className="text">{JSON.stringify(run.config, undefined, 2)}</pre>
        </details>
      </div>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: ReactNode }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function Issues({ run }: { run: RunDetail }): ReactNode {
  if (run.issues.length === 0) return null;
  return (
    <>
      <h2>Issues</h2>
      <div className="scroll">
        <table>
          <tbody>
            {run.issues.map(({ severity, code, file, line, pointer, message }) => (
              <tr key={`${code} ${file} ${line} ${pointer} ${message}`}>
                <td>
                  <Badge>{severity}</Badge>
                </td>
                <td>
                  <code>{code}</code>
                </td>
                <td>
                  <code>
                    {[file, line].filter((part) => part !== null).join(':')} {pointer}
                  </code>
                </td>
                <td>{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Metrics({ run }: { run: RunDetail }): ReactNode {
  const overall = run.metrics.filter(({ scope }) => scope === 'overall');
  const others = run.metrics.filter(({ scope }) => scope !== 'overall');
  if (run.metrics.length === 0) return <Empty>This run reports no metric.</Empty>;
  return (
    <>
      <MetricTable metrics={overall} />
      {others.length > 0 && (
        <details>
          <summary>{count(others.length)} more: by layer, family or control</summary>
          <MetricTable metrics={others} />
        </details>
      )}
    </>
  );
}

function MetricTable({ metrics }: { metrics: RunDetail['metrics'] }): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Metric</th>
            <th>Scope</th>
            <th className="number">Value</th>
            <th className="number">Interval</th>
            <th>Split</th>
            <th>Source</th>
          </tr>
        </thead>
        <tbody>
          {metrics.map(({ metric, scope, value, ciLow, ciHigh, split, source }) => (
            <tr key={`${scope} ${metric} ${split} ${source}`}>
              <td>{metric}</td>
              <td>{scope}</td>
              <td className="number" title={value === null ? '' : String(value)}>
                {measured(value, 4)}
              </td>
              <td className="number">{ciLow === null ? '' : `${measured(ciLow)} to ${measured(ciHigh)}`}</td>
              <td>{split ?? '–'}</td>
              <td>{source}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
