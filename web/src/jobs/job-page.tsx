import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { z } from 'zod';
import { ask } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { runAddress } from '../runs/runs-page.tsx';
import { Badge } from '../ui/badge.tsx';
import { Answer, Empty, Failure } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { Progress } from './progress.tsx';
import { CANCEL, hasEnded, JOB, RETRY } from './queries.ts';

const LIVE_MS = 1000;
const resultRuns = z.object({ runIds: z.array(z.string()) });

export function JobPage({ id }: { id: string }): ReactNode {
  const first = useAnswer(JOB, { id });
  const moving = first.data?.job ? !hasEnded(first.data.job) : false;
  const result = useAnswer(JOB, { id }, { every: moving ? LIVE_MS : undefined });
  const change = useMutation({
    mutationFn: (mutation: string) => ask(mutation, z.unknown(), { id }, AbortSignal.timeout(30_000)),
    onSettled: () => result.refetch(),
  });
  return (
    <Answer result={result} what="the job">
      {({ job }) => {
        if (job === null) return <Empty>There is no job {id}.</Empty>;
        const runs = resultRuns.safeParse(job.result);
        return (
          <>
            <h1>
              {job.kind.toLowerCase()} <span className="quiet">{job.id}</span>
            </h1>
            <p>
              <Badge>{job.state.toLowerCase()}</Badge> <Progress job={job} />
            </p>
            <p>
              {!hasEnded(job) && (
                <button
                  type="button"
                  disabled={job.cancelRequested || change.isPending}
                  onClick={() => change.mutate(CANCEL)}
                >
                  {job.cancelRequested ? 'Cancelling…' : 'Cancel'}
                </button>
              )}
              {(job.state === 'FAILED' || job.state === 'CANCELLED') && (
                <button type="button" disabled={change.isPending} onClick={() => change.mutate(RETRY)}>
                  Retry
                </button>
              )}
            </p>
            {change.error && <Failure error={change.error} />}
            {job.failure && (
              <div className="state failure" role="alert">
                <code>{job.failure.code}</code> {job.failure.message}
              </div>
            )}
            {runs.success && runs.data.runIds.length > 0 && (
              <>
                <h2>Runs it made</h2>
                <ul>
                  {runs.data.runIds.map((run) => (
                    <li key={run}>
                      <Link href={runAddress(run)}>{run}</Link>
                    </li>
                  ))}
                </ul>
              </>
            )}
            <h2>Log</h2>
            <div className="scroll" style={{ maxHeight: '24rem' }}>
              <table>
                <tbody>
                  {job.events.map((event) => (
                    <tr key={event.seq}>
                      <td className="nowrap">
                        <Time iso={event.at} />
                      </td>
                      <td>{event.type}</td>
                      <td>{event.message}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <h2>Specification</h2>
            <details>
              <summary>as it was submitted{job.owner === null ? '' : ` by ${job.owner}`}</summary>
              <pre className="text">{JSON.stringify(job.spec, undefined, 2)}</pre>
            </details>
          </>
        );
      }}
    </Answer>
  );
}
