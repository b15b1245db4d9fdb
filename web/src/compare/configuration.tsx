import type { ReactNode } from 'react';
import { count } from '../ui/format.ts';
import { type Member, membersOf, sameText } from './differences.ts';
import type { ComparedRun } from './queries.ts';
import { RunHeads } from './run-heads.tsx';

/** What runs are, beside how they were configured. */
function identityOf(run: ComparedRun): Readonly<Record<string, unknown>> {
  const { family, method, modelId, benchmark, split, seed, status, verdict, gitCommit, gitDirty } = run;
  const { nGenerations, nPredictions } = run;
  return {
    ...{ family, method, model: modelId, benchmark, split, seed, status, verdict },
    ...{ 'git commit': gitCommit, 'uncommitted changes': gitDirty },
    ...{ generations: nGenerations, predictions: nPredictions },
  };
}

/** What differs between runs, and behind it what does not. */
export function Configuration({ runs }: { runs: readonly ComparedRun[] }): ReactNode {
  const identity = membersOf(runs.map(identityOf)).map((member) => ({
    ...member,
    pointer: member.pointer.slice(1),
  }));
  // Many configurations repeat what the run is.
  const known = new Set(identity.map(({ pointer, values }) => sameText([pointer, values])));
  const config = membersOf(runs.map((run) => run.config)).filter(
    ({ pointer, values }) => !known.has(sameText([pointer.slice(1), values])),
  );
  const manifest = membersOf(runs.map((run) => run.manifest));
  const differing = [...identity, ...config].filter(({ differs }) => differs);
  const same = [...identity, ...config].filter(({ differs }) => !differs);
  const surroundings = manifest.filter(({ differs }) => differs);
  return (
    <>
      {differing.length === 0 ? (
        <p>The runs are configured alike.</p>
      ) : (
        <MemberTable members={differing} runs={runs} />
      )}
      {surroundings.length > 0 && (
        <details>
          <summary>
            {count(surroundings.length)} differences in the manifests: time, machine, packages
          </summary>
          <MemberTable members={surroundings} runs={runs} />
        </details>
      )}
      {same.length > 0 && (
        <details>
          <summary>{count(same.length)} the same in all</summary>
          <MemberTable members={same} runs={runs} />
        </details>
      )}
    </>
  );
}

function MemberTable({ members, runs }: { members: readonly Member[]; runs: readonly ComparedRun[] }) {
  return (
    <div className="scroll">
      <table className="side-by-side">
        <thead>
          <tr>
            <th>Setting</th>
            <RunHeads runs={runs} />
          </tr>
        </thead>
        <tbody>
          {members.map(({ pointer, values }) => (
            <tr key={pointer}>
              <th scope="row">{pointer.startsWith('/') ? <code>{pointer}</code> : pointer}</th>
              {values.map((value, i) => (
                <td key={runs[i]?.id}>
                  <p className="text">{valueText(value)}</p>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
