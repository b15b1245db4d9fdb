import type { ReactNode } from 'react';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import type { RunDetail } from './queries.ts';

/** What ingest found wrong or noteworthy, and where. */
export function Issues({ run: { issues, nIssues } }: { run: RunDetail }): ReactNode {
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
            </tr>
          </thead>
          <tbody>
            {issues.map(({ severity, code, file, line, pointer, message }) => (
              <tr key={`${code} ${file} ${line} ${pointer} ${message}`}>
                <td>
                  <Badge>{severity}</Badge>
                </td>
                <td>
                  <code>{code}</code> {message}
                </td>
                <td>
                  <code>
                    {[file, line].filter((part) => part !== null).join(':')} {pointer}
                  </code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
