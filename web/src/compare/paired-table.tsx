import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { EstimateText } from '../metrics/estimate.tsx';
import { Badge } from '../ui/badge.tsx';
import { count, measured } from '../ui/format.ts';
import { Failure, Loading } from '../ui/states.tsx';
import type { Lettered } from './disagreement-table.tsx';
import { PAIRED, type Paired } from './queries.ts';
import { type Finding, findingsOf, verdictOf } from './verdict.ts';

/** Runs that have nothing to be compared by, e.g. on different benchmarks. */
const NOT_COMPARABLE = 'RUNS_NOT_COMPARABLE';

export function usePaired(a: string, b: string): UseQueryResult<{ compareRuns: Paired }> {
  return useAnswer(PAIRED, { a, b });
}

/** Paired statistics of each of the other runs with the first, on the examples that both predict. */
export function PairedTable({ base, others }: { base: Lettered; others: readonly Lettered[] }): ReactNode {
  return (
    <div className="scroll">
      <table className="paired">
        <thead>
          <tr>
            <th>Runs</th>
            <th>Measure</th>
            <th className="number">Examples</th>
            <th>First</th>
            <th>Second</th>
            <th>Difference</th>
            <th className="number">p</th>
            <th>Says</th>
          </tr>
        </thead>
        {others.map((other) => (
          <Pair key={other.id} a={base} b={other} />
        ))}
      </table>
    </div>
  );
}

function Pair({ a, b }: { a: Lettered; b: Lettered }): ReactNode {
  const result = usePaired(a.id, b.id);
  const name = `${a.letter}, ${b.letter}`;
  if (result.data === undefined || result.isPlaceholderData) {
    return (
      <tbody>
        <tr>
          <th scope="row">{name}</th>
          <td colSpan={7}>
            {result.error === null ? <Loading what="the comparison" /> : <Refusal error={result.error} />}
          </td>
        </tr>
      </tbody>
    );
  }
  const paired = result.data.compareRuns;
  const findings = findingsOf(paired);
  return (
    <tbody>
      {findings.map((finding, i) => (
        <tr key={finding.measure}>
          {i === 0 && (
            <th scope="rowgroup" rowSpan={findings.length + 1}>
              {name}
            </th>
          )}
          <Found finding={finding} a={a} b={b} />
        </tr>
      ))}
      <tr>
        {findings.length === 0 && <th scope="row">{name}</th>}
        <td colSpan={7} className="quiet">
          {overlapText(paired, a, b)}
          {paired.notes.length > 0 && ` Note: ${paired.notes.join('; ')}.`}
        </td>
      </tr>
    </tbody>
  );
}

function Found({ finding, a, b }: { finding: Finding; a: Lettered; b: Lettered }): ReactNode {
  const { measure, n, first, second, difference, test } = finding;
  const verdict = verdictOf(finding);
  const p = test.adjustedPValue ?? test.pValue;
  return (
    <>
      <td>{measure}</td>
      <td className="number">{count(n)}</td>
      <td>
        <EstimateText {...first} standing={verdict === 'first' ? 'best' : undefined} />
      </td>
      <td>
        <EstimateText {...second} standing={verdict === 'second' ? 'best' : undefined} />
      </td>
      <td title={difference.interval}>
        <EstimateText {...difference} signed />
      </td>
      <td className="number" title={[test.method, test.correction].filter(Boolean).join('; ')}>
        {measured(p, 2)}
      </td>
      <td>
        {verdict === 'undecided' ? (
          'undecided'
        ) : (
          <Badge tone="good">{`${verdict === 'first' ? a.letter : b.letter} is better`}</Badge>
        )}{' '}
        <span className="quiet">{test.method}</span>
      </td>
    </>
  );
}

function overlapText(paired: Paired, a: Lettered, b: Lettered): string {
  const { common, onlyInA, onlyInB, repeated, counts } = paired;
  const parts = [
    `${count(common)} common examples`,
    onlyInA > 0 ? `${count(onlyInA)} only in ${a.letter}` : '',
    onlyInB > 0 ? `${count(onlyInB)} only in ${b.letter}` : '',
    repeated > 0 ? `${count(repeated)} predicted more than once and left out` : '',
  ];
  const flips =
    counts.lost + counts.gained + counts.changed === 0
      ? ''
      : ` From ${a.letter} to ${b.letter}, ${count(counts.gained)} turn right, ${count(counts.lost)} turn wrong and ${count(counts.changed)} change otherwise.`;
  return `${parts.filter((part) => part !== '').join(', ')}.${flips}`;
}

function Refusal({ error }: { error: Error }): ReactNode {
  if (!(error instanceof ApiError) || error.code !== NOT_COMPARABLE) return <Failure error={error} />;
  return (
    <>
      <Badge tone="warn">not comparable</Badge> <span className="quiet">{error.message}</span>
    </>
  );
}
