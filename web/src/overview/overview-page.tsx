import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'wouter';
import type { z } from 'zod';
import { useAnswer } from '../api/use-answer.ts';
import { count, percent } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { AboutDemo, isOfDemo } from './about-demo.tsx';
import { newestSubject } from './detectors.ts';
import { Entropy } from './entropy.tsx';
import { Evaluation } from './evaluation.tsx';
import { FunctionVectors } from './function-vectors.tsx';
import { Hallucination } from './hallucination.tsx';
import './overview.css';
import { OVERVIEW, UNFINISHED } from './queries.ts';

const EVERY_MS = 3000;

/** What is in the lake, and what its newest runs show. */
export function OverviewPage(): ReactNode {
  const unfinished = useAnswer(UNFINISHED, {}, { every: EVERY_MS });
  const left = unfinished.data?.jobs.totalCount ?? 0;
  const overview = useAnswer(OVERVIEW, {}, { every: left > 0 ? EVERY_MS : undefined });
  const runs = overview.data === undefined ? undefined : rowsOf(overview.data, 'runs');
  const client = useQueryClient();
  // What was read before a run came in knows nothing of it; jobs write runs at their end.
  // biome-ignore lint/correctness/useExhaustiveDependencies: these two say that there is something new
  useEffect(() => void client.invalidateQueries(), [client, runs, left]);
  return (
    <div className="overview">
      <h1>What the runs show</h1>
      {unfinished.data !== undefined && <Unfinished jobs={unfinished.data.jobs} />}
      <Answer result={overview} what="the lake">
        {(found) => (
          <>
            <Totals found={found} />
            <Findings found={found} />
          </>
        )}
      </Answer>
    </div>
  );
}

type Found = z.infer<typeof OVERVIEW.schema>;

function rowsOf({ lake }: Found, table: string): number {
  return lake.tables.find(({ name }) => name === table)?.rows ?? 0;
}

function Totals({ found }: { found: Found }): ReactNode {
  const rows = (table: string) => count(rowsOf(found, table));
  return (
    <p className="totals">
      <Link href="/runs">{rows('runs')} runs</Link>
      <span>{rows('generations')} generations</span>
      <span>{rows('predictions')} predictions</span>
      <span>{rows('activations')} activations</span>
      {found.withIssues.totalCount > 0 && (
        <Link href="/runs?issues=some">{count(found.withIssues.totalCount)} runs with issues</Link>
      )}
    </p>
  );
}

function Unfinished({ jobs: { nodes, totalCount } }: z.infer<typeof UNFINISHED.schema>): ReactNode {
  if (totalCount === 0) return null;
  return (
    <p className="unfinished" role="status">
      <span className="spinner" aria-hidden="true" />
      <Link href="/jobs">
        {count(totalCount)} {totalCount === 1 ? 'job' : 'jobs'} to do
      </Link>
      {nodes
        .filter(({ state }) => state === 'RUNNING')
        .map(({ id, kind, progress }) => (
          <Link key={id} href={`/jobs/${id}`}>
            {kind.toLowerCase().replaceAll('_', ' ')}
            {progress && `: ${progress.stage}`}
            {progress?.fraction != null && ` ${percent(progress.fraction)}`}
          </Link>
        ))}
    </p>
  );
}

function Findings({ found }: { found: Found }): ReactNode {
  const { HALLULENS, FV, CHAOSBENCH, ENTROPY } = found;
  if (rowsOf(found, 'runs') === 0) {
    return (
      <Empty>
        There is no run yet. <code>npx runlake ingest path/to/runs</code> brings some in, and{' '}
        <Link href="/launch">a job</Link> makes some.
      </Empty>
    );
  }
  const detected = newestSubject(HALLULENS.nodes);
  return (
    <>
      {detected.some(isOfDemo) && <AboutDemo />}
      <div className="findings">
        <Hallucination runs={detected} />
        <FunctionVectors runs={FV.nodes} />
        <Evaluation runs={CHAOSBENCH.nodes} />
        <Entropy runs={ENTROPY.nodes} />
      </div>
    </>
  );
}
