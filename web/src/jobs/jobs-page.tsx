import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useAnswer } from '../api/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { kindTitle } from './kinds.ts';
import { LinkNotice } from './link-notice.tsx';
import { Progress } from './progress.tsx';
import { JOB_KINDS, type JobRow } from './queries.ts';
import { useJobs } from './use-jobs.ts';
import { addressOf, type JobsView, STATE_TITLES, viewOf } from './view.ts';
import './jobs.css';

export function JobsPage(): ReactNode {
  const [address, setAddress] = useSearchParams();
  const view = viewOf(address);
  const jobs = useJobs(view);
  return (
    <>
      <h1>
        Jobs{' '}
        <span className="quiet" aria-live="polite">
          {jobs.total === undefined ? '' : count(jobs.total)}
        </span>
      </h1>
      <Filters view={view} show={(next) => setAddress(addressOf(next), { replace: true })} />
      <LinkNotice link={jobs.link} />
      {jobs.error !== null ? (
        <Failure error={jobs.error} again={jobs.again} />
      ) : jobs.rows === undefined ? (
        <Loading what="jobs" />
      ) : jobs.rows.length === 0 ? (
        <Empty>
          {view.state === '' && view.kind === '' ? 'No job yet.' : 'No job is like this.'}{' '}
          <Link href="/launch">Launch one</Link>
        </Empty>
      ) : (
        <>
          <JobTable jobs={jobs.rows} />
          {jobs.more && (
            <p>
              <button type="button" disabled={jobs.isFetchingMore} onClick={jobs.more}>
                {jobs.isFetchingMore ? 'Fetching…' : 'Show older jobs'}
              </button>
            </p>
          )}
        </>
      )}
    </>
  );
}

function Filters({ view, show }: { view: JobsView; show: (view: JobsView) => void }): ReactNode {
  const { data } = useAnswer(JOB_KINDS);
  const known = data?.__type.enumValues.map(({ name }) => name) ?? [];
  const kinds = view.kind === '' || known.includes(view.kind) ? known : [...known, view.kind];
  return (
    <search className="filters">
      <label>
        State
        <select value={view.state} onChange={({ target }) => show({ ...view, state: target.value })}>
          <option value="">all</option>
          {Object.entries(STATE_TITLES).map(([state, title]) => (
            <option key={state} value={state}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        Kind
        <select value={view.kind} onChange={({ target }) => show({ ...view, kind: target.value })}>
          <option value="">all</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {kindTitle(kind)}
            </option>
          ))}
        </select>
      </label>
      <Link href="/launch" className="action">
        Launch a job
      </Link>
    </search>
  );
}

function JobTable({ jobs }: { jobs: readonly JobRow[] }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll" tabIndex={0} aria-label="Table of jobs">
      <table className="jobs">
        <thead>
          <tr>
            <th>Job</th>
            <th>State</th>
            <th>Kind</th>
            <th>Progress</th>
            <th>Attempt</th>
            <th>Submitted</th>
            <th>By</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <td className="nowrap">
                <Link href={`/jobs/${job.id}`}>{job.id}</Link>
              </td>
              <td>
                <Badge>{job.state.toLowerCase()}</Badge>
              </td>
              <td>{kindTitle(job.kind)}</td>
              <td>
                <Progress job={job} />
              </td>
              <td className="nowrap">{job.attempt === 0 ? '–' : `${job.attempt} of ${job.maxAttempts}`}</td>
              <td className="nowrap">
                <Time iso={job.createdAt} />
              </td>
              <td>{job.owner ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
