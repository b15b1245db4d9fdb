import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { runAddress } from '../runs/address.ts';

export interface FindingProps {
  /** What one would like to know. */
  readonly question: string;
  /** What the runs say, in words. */
  readonly answer: string | undefined;
  /** Where the numbers come from. */
  readonly runs: readonly { readonly id: string; readonly title: string }[];
  readonly children: ReactNode;
}

/** One thing that runs show: a question, an answer, the plot that it is read from, and the way to the runs. */
export function Finding({ question, answer, runs, children }: FindingProps): ReactNode {
  return (
    <section className="finding">
      <h2>{question}</h2>
      {answer !== undefined && <p className="answer">{answer}</p>}
      {children}
      <p className="quiet">
        From{' '}
        {runs.map(({ id, title }, i) => (
          <span key={id}>
            {i > 0 && ', '}
            <Link href={runAddress(id)}>{title}</Link>
          </span>
        ))}
      </p>
    </section>
  );
}
