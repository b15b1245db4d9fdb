import type { ReactNode } from 'react';
import { ApiError } from '../../api/client.ts';
import { Failure } from '../../ui/states.tsx';
import type { Problem } from '../answer.ts';

/** Errors of an answer, each with what was expected and what to do. */
export function Problems({ problems }: { problems: readonly Problem[] }): ReactNode {
  const refused = problems.find(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  if (refused !== undefined) return <Failure error={new ApiError(refused.message, 'UNAUTHENTICATED')} />;
  return (
    <div className="state failure" role="alert">
      {problems.map((problem) => (
        <p key={`${problem.path?.join('.')} ${problem.message}`}>
          <strong className="text">{problem.message}</strong> <code>{problem.extensions?.code}</code>
          {placeOf(problem)}
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

function placeOf({ path, locations }: Problem): ReactNode {
  const [place] = locations ?? [];
  const parts = [
    ...(path === undefined ? [] : [`at ${path.join('.')}`]),
    ...(place === undefined ? [] : [`line ${place.line}, column ${place.column}`]),
  ];
  return parts.length > 0 && <span className="quiet"> {parts.join(', ')}</span>;
}
