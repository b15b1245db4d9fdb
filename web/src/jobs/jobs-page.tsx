import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAnswer } from '../api/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { Progress } from './progress.tsx';
import { hasEnded, JOBS } from './queries.ts';

const LIVE_MS = 1000;
const IDLE_MS = 5000;

export function JobsPage(): ReactNode {
  const idle = useAnswer(JOBS, {}, { every: IDLE_MS });
  const busy = idle.data?.jobs.nodes.some((job) => !hasEnded(job)) ?? false;
  // The same answer, asked for more often while something moves.
  const result = useAnswer(JOBS, {}, { every: busy ? LIVE_MS : IDLE_MS });
  return (
    <>
      <h1>
        Jobs <span className="quiet">{result.data ? count(result.data.jobs.totalCount) : ''}</span>
      </h1>
      <Answer result={result} what="jobs">
        {({ jobs }) =>
          jobs.nodes.length === 0 ? (
            <Empty>
              No job yet. <code>npx runlake submit</code> or a launch mutation makes one.
            </Empty>
          ) : (
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th>Job</th>
                    <th>Kind</th>
                    <th>State</th>
                    <th>Progress</th>
                    <th>Attempt</th>
                    <th>Submitted</th>
                  </tr>
                </thead>
                <tbody>
                  {jobs.nodes.map((job) => (
                    <tr key={job.id}>
                      <td>
                        <Link href={`/jobs/${job.id}`}>{job.id}</Link>
                      </td>
                      <td>{job.kind.toLowerCase()}</td>
                      <td>
                        <Badge>{job.state.toLowerCase()}</Badge>
                      </td>
                      <td>
                        <Progress job={job} />
                      </td>
                      <td className="number">
                        {job.attempt} of {job.maxAttempts}
                      </td>
                      <td className="nowrap">
                        <Time iso={job.createdAt} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answer>
    </>
  );
}
