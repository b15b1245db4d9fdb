import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { z } from 'zod';
import { useAnswer } from '../api/use-answer.ts';
import { POLL_MS, useFollow, useLiveState } from '../api/use-live.ts';
import { runAddress } from '../runs/address.ts';
import { Badge } from '../ui/badge.tsx';
import { CopyButton } from '../ui/copy.tsx';
import { FactList } from '../ui/fact-list.tsx';
import { Answer, Empty } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { Tree } from '../ui/tree.tsx';
import { Actions } from './actions.tsx';
import { addressOf } from './addresses.ts';
import { kindTitle } from './kinds.ts';
import { LinkNotice } from './link-notice.tsx';
import { Log, useLog } from './log.tsx';
import { Progress } from './progress.tsx';
import { hasEnded, JOB, JOB_CHANGED, type JobDetail } from './queries.ts';
import './jobs.css';

export function JobPage({ id }: { id: string }): ReactNode {
  return <Followed key={id} id={id} />;
}

function Followed({ id }: { id: string }): ReactNode {
  const client = useQueryClient();
  const variables = { id };
  const isBroken = useLiveState() === 'broken';
  const result = useAnswer(JOB, variables, { every: isBroken ? POLL_MS : undefined });
  const job = result.data?.job ?? undefined;
  const log = useLog(id);
  const link = useFollow(
    JOB_CHANGED,
    job === undefined || hasEnded(job) ? undefined : variables,
    ({ jobUpdated }) => {
      client.setQueryData([JOB.query, variables], { job: jobUpdated });
      void log.refetch();
    },
    () => void result.refetch(),
  );
  return (
    <Answer result={result} what="the job">
      {({ job: shown }) =>
        shown === null ? (
          <Empty>
            There is no job {id}. <Link href="/jobs">All jobs</Link>
          </Empty>
        ) : (
          <>
            <h1>
              {kindTitle(shown.kind)} <span className="quiet">{shown.id}</span>
            </h1>
            <p className="standing">
              <Badge>{shown.state.toLowerCase()}</Badge> <Progress job={shown} />
            </p>
            {!hasEnded(shown) && <LinkNotice link={link} />}
            <Actions job={shown} asked={() => void result.refetch()} />
            <JobFailure job={shown} />
            <Made result={shown.result} />
            <div className="columns">
              <Facts job={shown} />
              <Outcome result={shown.result} />
            </div>
            <h2>Log</h2>
            <Log result={log} />
            <h2>Specification</h2>
            <Tree value={shown.spec} address={addressOf} />
            <p>
              <CopyButton text={() => JSON.stringify(shown.spec, undefined, 2)}>Copy as JSON</CopyButton>
            </p>
          </>
        )
      }
    </Answer>
  );
}

/** Why it ended as it did, or why it is tried again. */
function JobFailure({ job: { failure, state, attempt } }: { job: JobDetail }): ReactNode {
  if (failure === null) return null;
  const waits = state === 'PENDING' || state === 'RUNNING';
  return (
    <div className={waits ? 'state' : 'state failure'} role="alert">
      {waits && <>Attempt {state === 'RUNNING' ? attempt - 1 : attempt} failed: </>}
      <code>{failure.code}</code> <span className="text">{failure.message}</span>
    </div>
  );
}

const withRuns = z.looseObject({ runIds: z.array(z.string()) });

function Made({ result }: { result: unknown }): ReactNode {
  const made = withRuns.safeParse(result);
  if (!made.success || made.data.runIds.length === 0) return null;
  return (
    <>
      <h2>Runs it made</h2>
      <ul className="made">
        {made.data.runIds.map((run) => (
          <li key={run}>
            <Link href={runAddress(run)}>{run}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What the task gave beside the runs. */
function Outcome({ result }: { result: unknown }): ReactNode {
  const made = withRuns.safeParse(result);
  const { runIds: _, ...rest } = made.success ? made.data : {};
  const shown = made.success ? rest : result;
  if (shown === null || (made.success && Object.keys(rest).length === 0)) return null;
  return (
    <section>
      <h2>Result</h2>
      <Tree value={shown} address={addressOf} />
    </section>
  );
}

function Facts({ job }: { job: JobDetail }): ReactNode {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Submitted', <Time key="created" iso={job.createdAt} />],
    ['By', job.owner ?? 'nobody known'],
    ['Begun', <Time key="started" iso={job.startedAt} />],
    ['Ended', <Time key="finished" iso={job.finishedAt} />],
    [
      'Attempt',
      job.attempt === 0 ? `none yet, ${job.maxAttempts} at most` : `${job.attempt} of ${job.maxAttempts}`,
    ],
    ['Worker', job.worker ?? '–'],
    ['Priority', String(job.priority)],
    ['Waits for', job.dependsOn.length === 0 ? 'no other job' : <JobLinks key="after" ids={job.dependsOn} />],
  ];
  return (
    <section>
      <h2>Facts</h2>
      <FactList facts={facts} />
    </section>
  );
}

function JobLinks({ ids }: { ids: readonly string[] }): ReactNode {
  return (
    <ul className="plain">
      {ids.map((id) => (
        <li key={id}>
          <Link href={`/jobs/${encodeURIComponent(id)}`}>{id}</Link>
        </li>
      ))}
    </ul>
  );
}
