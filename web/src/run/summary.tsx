import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { jobOf } from '../jobs/addresses.ts';
import { runAddress } from '../runs/address.ts';
import { FactList } from '../ui/fact-list.tsx';
import { count } from '../ui/format.ts';
import { Time } from '../ui/time.tsx';
import { Compliance } from './compliance.tsx';
import type { RunDetail } from './queries.ts';

/** What a run is, where it comes from, and whether it keeps its contract. */
export function Summary({ run }: { run: RunDetail }): ReactNode {
  return (
    <div className="columns">
      <Facts run={run} />
      <div>
        {run.duplicateOf !== null && (
          <p>
            The same measurement as <Link href={runAddress(run.duplicateOf)}>{run.duplicateOf}</Link>; it is
            not counted twice.
          </p>
        )}
        {run.verdict !== null && (run.verdictReasons?.length ?? 0) > 0 && (
          <details>
            <summary>Why {run.verdict}</summary>
            <ul>
              {run.verdictReasons?.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </details>
        )}
        {run.compliance !== null && <Compliance items={run.compliance} />}
        <Recorded title="Configuration" value={run.config} />
        <Recorded title="Manifest" value={run.manifest} />
      </div>
    </div>
  );
}

function Facts({ run }: { run: RunDetail }): ReactNode {
  const job = jobOf(run.sourceUri);
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
    ...(job === undefined
      ? []
      : [
          [
            'Made by',
            <Link key="job" href={`/jobs/${job}`}>
              {job}
            </Link>,
          ] as const,
        ]),
    ['Content', <code key="content">sha256:{run.contentSha256}</code>],
    [
      'Code',
      run.gitCommit === null
        ? '–'
        : `${run.gitCommit.slice(0, 12)}${run.gitDirty ? ', with uncommitted changes' : ''}`,
    ],
  ];
  return <FactList facts={facts} />;
}

/** A document of the run as it was recorded. */
function Recorded({ title, value }: { title: string; value: unknown }): ReactNode {
  if (value === null || value === undefined) return null;
  return (
    <details>
      <summary>{title}</summary>
      <pre className="text">{JSON.stringify(value, undefined, 2)}</pre>
    </details>
  );
}
