import { json } from '@codemirror/lang-json';
import { type ReactNode, useMemo, useState } from 'react';
import { csvOf, save } from '../../plots/save.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { count, duration } from '../../ui/format.ts';
import type { ConsoleAnswer } from '../answer.ts';
import { Editor } from '../editor/editor.tsx';
import type { Outcome } from '../use-run.ts';
import { ExportAll } from './export-all.tsx';
import { Problems } from './problems.tsx';
import { ResultRows } from './result-table.tsx';
import { Snippets } from './snippets.tsx';
import { type ResultTable, recordsOf, tablesOf } from './tables.ts';

const JSON_LANGUAGE = json();
/** Letters of an answer that an editor takes without delay. */
const LONGEST = 5_000_000;
/** Values that JSON cannot carry which are named. */
const ISSUES = 3;

/** What came back: how much, how fast, of which state of the lake; as a table, as JSON, and to take away. */
export function Result({ outcome, busy }: { outcome: Outcome; busy: boolean }): ReactNode {
  const { draft, answer, ms } = outcome;
  const tables = useMemo(() => tablesOf(answer.data), [answer]);
  const [asJson, setAsJson] = useState(false);
  const [chosen, setChosen] = useState<string>();
  const table =
    tables.find((one) => nameOf(one) === chosen) ?? tables.find(({ rows }) => rows.length > 1) ?? tables[0];
  const { errors = [], extensions } = answer;
  return (
    <section aria-label="Result" aria-busy={busy} className="result">
      {errors.length > 0 && <Problems problems={errors} draft={draft} />}
      <p className="result-facts" role="status">
        {table !== undefined && <strong>{amountOf(table)}</strong>}{' '}
        <span className="quiet">{timeOf(ms)}</span>{' '}
        {extensions?.snapshot !== undefined && (
          <>
            <span className="quiet" title={extensions.snapshot}>
              snapshot …{extensions.snapshot.slice(-8)}
            </span>{' '}
            <CopyButton text={extensions.snapshot}>Copy snapshot</CopyButton>
          </>
        )}
      </p>
      {extensions?.issueCount !== undefined && (
        <p className="quiet">
          Null in place of what JSON cannot carry, {count(extensions.issueCount)} in all:{' '}
          {(extensions.issues ?? [])
            .slice(0, ISSUES)
            .map(({ path, value }) => `${path.join('.')} is ${value}`)
            .join(', ')}
          {extensions.issueCount > ISSUES && ', …'}
        </p>
      )}
      <div className="tools">
        {tables.length > 1 && !asJson && (
          <label>
            Table{' '}
            <select value={table && nameOf(table)} onChange={({ target }) => setChosen(target.value)}>
              {tables.map((one) => (
                <option key={nameOf(one)} value={nameOf(one)}>
                  {nameOf(one)} ({count(one.rows.length)})
                </option>
              ))}
            </select>
          </label>
        )}
        {(['Table', 'JSON'] as const).map((name) => (
          <button
            type="button"
            key={name}
            aria-pressed={asJson === (name === 'JSON')}
            onClick={() => setAsJson(name === 'JSON')}
          >
            {name}
          </button>
        ))}
        {table !== undefined && (
          <button
            type="button"
            onClick={() => save('rows.csv', 'text/csv', csvOf(recordsOf(table), table.columns))}
          >
            CSV of {rowCount(table.rows.length)}
          </button>
        )}
        {draft.mode === 'sql' && errors.length === 0 && (
          <ExportAll sql={draft.query} snapshot={extensions?.snapshot} />
        )}
        <Snippets outcome={outcome} />
      </div>
      {asJson ? (
        <AnswerText answer={answer} />
      ) : table === undefined ? (
        errors.length === 0 && <p className="state">The answer has no rows.</p>
      ) : (
        <ResultRows key={nameOf(table)} table={table} label={`Rows of ${nameOf(table)}`} />
      )}
    </section>
  );
}

function AnswerText({ answer }: { answer: ConsoleAnswer }): ReactNode {
  const text = useMemo(() => JSON.stringify(answer, undefined, 2), [answer]);
  return (
    <div className="answer">
      {text.length > LONGEST && (
        <p className="quiet">
          The first {count(LONGEST)} of {count(text.length)} letters.
        </p>
      )}
      <Editor label="Answer as JSON" text={text.slice(0, LONGEST)} language={JSON_LANGUAGE} />
      <CopyButton text={text}>Copy JSON</CopyButton>
    </div>
  );
}

function nameOf({ path }: ResultTable): string {
  return path.length === 0 ? 'values' : path.join('.');
}

/** How many rows these are, and of how many. */
function amountOf({ rows: { length }, total, more }: ResultTable): string {
  if (total !== undefined && total > length) return `${count(length)} of ${count(total)} rows`;
  return more ? `the first ${rowCount(length)}; there are more` : rowCount(length);
}

function rowCount(n: number): string {
  return n === 1 ? '1 row' : `${count(n)} rows`;
}

function timeOf(ms: number): string {
  return ms < 1000 ? `in ${Math.round(ms)} ms` : `in ${duration(ms / 1000)}`;
}
