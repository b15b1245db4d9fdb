import type { ReactNode } from 'react';
import { ApiError } from '../../api/client.ts';
import { Failure } from '../../ui/states.tsx';
import type { Problem } from '../answer.ts';
import { marksOf } from '../request.ts';
import type { Draft } from '../view.ts';

/** Errors of an answer, each with what was expected and what to do. */
export function Problems({ problems, draft }: { problems: readonly Problem[]; draft: Draft }): ReactNode {
  const refused = problems.find(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  if (refused !== undefined) return <Failure error={new ApiError(refused.message, 'UNAUTHENTICATED')} />;
  return (
    <div className="state failure" role="alert">
      {problems.map((problem) => (
        <p key={`${problem.path?.join('.')} ${problem.message}`}>
          <strong className="text">{problem.message}</strong> <code>{problem.extensions?.code}</code>
          <span className="quiet"> {placeOf(problem, draft)}</span>
          {problem.extensions?.expected !== undefined && (
            <>
              <br />
              expected: {problem.extensions.expected}
            </>
          )}
          {problem.extensions?.remedy !== undefined && (
            <>
              <br />
              {problem.extensions.remedy}
            </>
          )}
        </p>
      ))}
    </div>
  );
}

/** Where it is, as far as whoever wrote the draft can see it. */
function placeOf(problem: Problem, draft: Draft): string {
  const [mark] = marksOf([problem], draft);
  const before = mark && draft.query.slice(0, mark.from).split('\n');
  return [
    ...(problem.path === undefined || draft.mode === 'sql' ? [] : [`at ${problem.path.join('.')}`]),
    ...(before === undefined ? [] : [`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`]),
  ].join(', ');
}
