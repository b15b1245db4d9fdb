import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAnswer } from '../api/use-answer.ts';
import { runAddress } from '../runs/address.ts';
import { Choice } from '../ui/choice.tsx';
import { Answer, Empty } from '../ui/states.tsx';
import { useAddress } from '../ui/use-address.ts';
import { MOST_COMPARED } from './address.ts';
import { Configuration } from './configuration.tsx';
import { DisagreementTable, type Lettered } from './disagreement-table.tsx';
import { letterOf } from './labels.ts';
import { MetricTable } from './metric-table.tsx';
import { PairedTable, usePaired } from './paired-table.tsx';
import { COMPARED_RUNS, type ComparedRun } from './queries.ts';
import { SIGNIFICANT } from './verdict.ts';
import { type CompareView, compareParameters, compareViewOf, DISAGREEMENTS } from './view.ts';
import './compare.css';

/** Runs side by side: what differs between them, what comes of it, and about which examples they disagree. */
export function ComparePage(): ReactNode {
  const { parameters, show: showAddress } = useAddress();
  const view = compareViewOf(parameters);
  const show = (next: CompareView) => showAddress(compareParameters(next));
  const result = useAnswer(COMPARED_RUNS, { ids: view.runs }, { enabled: view.runs.length > 0 });
  if (view.runs.length === 0) {
    return (
      <>
        <h1>Compare</h1>
        <Empty>
          Select two to {MOST_COMPARED} <Link href="/runs">runs</Link> to see them side by side.
        </Empty>
      </>
    );
  }
  return (
    <>
      <h1>
        Compare <span className="quiet">{view.runs.length} runs</span>
      </h1>
      <Answer result={result} what="the runs">
        {({ runs: { nodes } }) => {
          const runs = view.runs.flatMap((id) => nodes.find((run) => run.id === id) ?? []);
          const found = new Set(runs.map(({ id }) => id));
          return (
            <>
              <RunList view={view} show={show} found={found} />
              {runs.length > 1 && <Comparison runs={runs} view={view} show={show} />}
              {runs.length === 1 && <Empty>One run is no comparison.</Empty>}
            </>
          );
        }}
      </Answer>
    </>
  );
}

interface RunListProps {
  readonly view: CompareView;
  readonly show: (view: CompareView) => void;
  /** Those that are in the lake. */
  readonly found: ReadonlySet<string>;
}

function RunList({ view, show, found }: RunListProps): ReactNode {
  let letters = 0;
  const others = (id: string) => view.runs.filter((run) => run !== id);
  return (
    <>
      <ul className="compared">
        {view.runs.map((id, i) => (
          <li key={id}>
            {found.has(id) ? (
              <>
                <strong>{letterOf(letters++)}</strong> <Link href={runAddress(id)}>{id}</Link>
              </>
            ) : (
              <span>There is no run {id}.</span>
            )}{' '}
            {i > 0 && found.has(id) && (
              <button
                type="button"
                className="plain"
                onClick={() => show({ ...view, runs: [id, ...others(id)] })}
              >
                compare with this one
              </button>
            )}{' '}
            <button
              type="button"
              className="plain"
              aria-label={`Leave out ${id}`}
              onClick={() => show({ ...view, runs: others(id) })}
            >
              leave out
            </button>
          </li>
        ))}
      </ul>
      <p>
        <Link href={`/runs?${new URLSearchParams(view.runs.map((id) => ['run', id]))}`}>
          Choose among all runs
        </Link>
      </p>
    </>
  );
}

interface ComparisonProps {
  readonly runs: readonly ComparedRun[];
  readonly view: CompareView;
  readonly show: (view: CompareView) => void;
}

function Comparison({ runs, view, show }: ComparisonProps): ReactNode {
  const [base, ...others] = runs.map(({ id }, i): Lettered => ({ id, letter: letterOf(i) }));
  if (base === undefined) return null;
  const other = others.find(({ id }) => id === view.other) ?? others[0];
  return (
    <>
      <h2>What differs</h2>
      <Configuration runs={runs} />
      <h2>Metrics</h2>
      <p className="quiet">
        Bold: the best. ≈: its interval overlaps that of the best. ↑ higher is better, ↓ lower.
      </p>
      <MetricTable runs={runs} view={view} show={show} />
      <h2>On the same examples</h2>
      <p className="quiet">
        Paired statistics on the examples that both runs predict; differences are the second minus the first
        {others.length > 1 ? ', and p is not corrected for the number of pairs' : ''}. A run is called better
        where p &lt; {SIGNIFICANT}.
      </p>
      <PairedTable base={base} others={others} />
      {other !== undefined && (
        <>
          <h2>Where they disagree</h2>
          <Disagreements a={base} b={other} others={others} view={view} show={show} />
        </>
      )}
    </>
  );
}

const BY = {
  score: 'how far apart their scores rank it',
  outcome: 'whose answer or verdict differs',
} as const;

interface DisagreementsProps {
  readonly a: Lettered;
  readonly b: Lettered;
  readonly others: readonly Lettered[];
  readonly view: CompareView;
  readonly show: (view: CompareView) => void;
}

function Disagreements({ a, b, others, view, show }: DisagreementsProps): ReactNode {
  const { data, error, isPlaceholderData } = usePaired(a.id, b.id);
  if (error !== null) return <Empty>These runs have no examples to disagree about.</Empty>;
  if (data === undefined || isPlaceholderData) return null;
  const { ranking } = data.compareRuns;
  const kinds = DISAGREEMENTS.filter((kind) => kind === 'outcome' || ranking !== null);
  const by = kinds.find((kind) => kind === view.by) ?? kinds[0] ?? 'outcome';
  return (
    <>
      <div className="filters">
        <Choice
          label={`${a.letter} against`}
          options={Object.fromEntries(others.map(({ id, letter }) => [id, letter]))}
          among={others.map(({ id }) => id)}
          chosen={b.id}
          choose={(id) => show({ ...view, other: id })}
        />
        <Choice
          label="By"
          options={BY}
          among={kinds}
          chosen={by}
          choose={(chosen) => show({ ...view, by: chosen })}
        />
      </div>
      <DisagreementTable a={a} b={b} by={by} />
    </>
  );
}
