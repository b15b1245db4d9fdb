import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { EstimateText } from '../metrics/estimate.tsx';
import { headlineOf, metricOf } from '../metrics/headline.ts';
import type { RunMetric } from '../metrics/run-metric.ts';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import { Time } from '../ui/time.tsx';
import { runAddress } from './address.ts';
import type { ColumnId } from './columns.ts';
import type { RunRow } from './queries.ts';

const NOTHING = '–';
/** Digits of a commit that tell it apart. */
const COMMIT_DIGITS = 8;

/** What each column shows of a run; the first leads to it. */
export const CELLS: Readonly<Record<ColumnId, (run: RunRow) => ReactNode>> = {
  method: (run) => run.method ?? nameOf(run.id),
  modelId: ({ modelId }) => text(modelId),
  benchmark: ({ benchmark }) => text(benchmark),
  split: ({ split }) => text(split),
  seed: ({ seed }) => seed ?? NOTHING,
  result: ({ metrics = [], split }) => <Result metric={headlineOf(metrics, split)} named />,
  verdict: ({ verdict }) => (verdict === null ? NOTHING : <Badge>{verdict}</Badge>),
  issues: (run) => <Issues run={run} />,
  status: ({ status }) => <Badge>{status}</Badge>,
  family: ({ family }) => family,
  nGenerations: ({ nGenerations }) => count(nGenerations),
  nPredictions: ({ nPredictions }) => count(nPredictions),
  nActivations: ({ nActivations }) => count(nActivations),
  createdAt: ({ createdAt }) => <Time iso={createdAt} />,
  ingestedAt: ({ ingestedAt }) => <Time iso={ingestedAt} />,
  gitCommit: ({ gitCommit, gitDirty }) =>
    gitCommit === null ? (
      NOTHING
    ) : (
      <code title={gitDirty ? `${gitCommit}, with uncommitted changes` : gitCommit}>
        {gitCommit.slice(0, COMMIT_DIGITS)}
        {gitDirty && '*'}
      </code>
    ),
  id: ({ id }) => text(id),
};

/** A metric of a run in a column of its own. */
export function MetricCell({ run, name }: { run: RunRow; name: string }): ReactNode {
  return <Result metric={metricOf(run.metrics ?? [], name, run.split)} />;
}

/** The name of a run in its row. */
export function RunLink({ run, tabIndex }: { run: RunRow; tabIndex: number }): ReactNode {
  return (
    <Link href={runAddress(run.id)} title={run.id} tabIndex={tabIndex} data-control="link">
      {CELLS.method(run)}
    </Link>
  );
}

/** The last part of a path. */
function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

function text(value: string | null): ReactNode {
  return value === null ? NOTHING : <span title={value}>{value}</span>;
}

function Result({ metric, named = false }: { metric: RunMetric | undefined; named?: boolean }): ReactNode {
  if (metric === undefined) return NOTHING;
  return (
    <>
      {named && <span className="quiet">{metric.metric} </span>}
      <EstimateText value={metric.value} low={metric.ciLow} high={metric.ciHigh} />
    </>
  );
}

/** Issues that want to be read stand out; notes are counted. */
function Issues({ run: { nIssues, complaints = 0 } }: { run: RunRow }): ReactNode {
  if (nIssues === 0) return NOTHING;
  if (complaints === 0) return <span className="quiet">{countOf(nIssues, 'note')}</span>;
  const title = `${countOf(complaints, 'warning')}, ${countOf(nIssues - complaints, 'note')}`;
  return (
    <span title={title}>
      <Badge tone="warn">{countOf(complaints, 'warning')}</Badge>
    </span>
  );
}

function countOf(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}
