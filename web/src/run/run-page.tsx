import { type ReactNode, useEffect } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { CopyButton } from '../ui/copy.tsx';
import { count } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { RUN, type RunDetail } from './queries.ts';
import './run.css';
import type { RunSection } from './section.ts';
import { sectionsOf } from './sections.tsx';
import { Summary } from './summary.tsx';
import { titleOf } from './title.ts';

export function RunPage({ id }: { id: string }): ReactNode {
  const result = useAnswer(RUN, { id });
  return (
    <Answer result={result} what="the run">
      {({ run }) => (run === null ? <Empty>There is no run {id}.</Empty> : <Detail key={run.id} run={run} />)}
    </Answer>
  );
}

function Detail({ run }: { run: RunDetail }): ReactNode {
  const sections = sectionsOf(run);
  // The section that the address names was not there yet when the page came.
  useEffect(() => {
    if (location.hash !== '')
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  }, []);
  return (
    <>
      <h1>{titleOf(run)}</h1>
      <p className="run-id">
        <Badge>{run.status}</Badge> {run.verdict !== null && <Badge>{run.verdict}</Badge>}{' '}
        <code>{run.id}</code> <CopyButton text={run.id}>Copy id</CopyButton>
      </p>
      <Contents sections={sections} issues={run.nIssues} />
      <Summary run={run} />
      {sections.map(({ id, title, Body }) => (
        <section key={id} id={id} aria-labelledby={`${id}-title`}>
          <h2 id={`${id}-title`}>{title}</h2>
          <Body run={run} />
        </section>
      ))}
    </>
  );
}

/** Links to the sections below. */
function Contents({ sections, issues }: { sections: readonly RunSection[]; issues: number }): ReactNode {
  return (
    <nav className="contents" aria-label="Sections of the run">
      {sections.map(({ id, title }) => (
        <a key={id} href={`#${id}`}>
          {title}
          {id === 'issues' && ` ${count(issues)}`}
        </a>
      ))}
    </nav>
  );
}
