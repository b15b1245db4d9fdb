import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import { REMEDIES, type RunDetail } from './queries.ts';

const SEVERITIES = ['error', 'warning', 'info'];

function placeOf({ severity }: { readonly severity: string }): number {
  return SEVERITIES.indexOf(severity);
}

/** What ingest found wrong or noteworthy, where, and what to do. */
export function Issues({ run: { issues, nIssues } }: { run: RunDetail }): ReactNode {
  const codes = [...new Set(issues.map(({ code }) => code))].sort();
  // Issues are told without remedies too, should these not come.
  const remedies = new Map(
    useAnswer(REMEDIES, { codes }).data?.issueRemedies.map(({ code, remedy }) => [code, remedy]),
  );
  const sorted = issues.toSorted((a, b) => placeOf(a) - placeOf(b));
  return (
    <>
      {nIssues > issues.length && (
        <p className="quiet">
          The first {count(issues.length)} of {count(nIssues)}.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="scroll" tabIndex={0} aria-label="Table of issues">
        <table>
          <thead>
            <tr>
              <th>Severity</th>
              <th>What</th>
              <th>Where</th>
              <th>What to do</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map(({ severity, code, file, line, pointer, message }) => (
              <tr key={`${code} ${file} ${line} ${pointer} ${message}`}>
                <td>
                  <Badge>{severity}</Badge>
                </td>
                <td>
                  <code>{code}</code> <span className="text">{message}</span>
                </td>
                <td>
                  <code>
                    {[file, line].filter((part) => part !== null).join(':')} {pointer}
                  </code>
                </td>
                <td>{remedies.get(code) ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
