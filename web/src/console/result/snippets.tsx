import type { ReactNode } from 'react';
import { storedToken } from '../../api/client.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { bodyOf } from '../request.ts';
import { curlOf } from '../snippets/curl.ts';
import { graphqlPython, sqlArrowPython, sqlPython } from '../snippets/python.ts';
import type { Outcome } from '../use-run.ts';

/** The same question for a notebook or a shell. Tokens stay in the environment. */
export function Snippets({ outcome: { draft, operationName } }: { outcome: Outcome }): ReactNode {
  const { mode, query, variables, rows } = draft;
  const { origin } = location;
  const curl = () =>
    curlOf({
      url: `${origin}/graphql`,
      body: bodyOf(draft, operationName),
      withToken: storedToken() !== null,
    });
  return (
    <>
      {mode === 'graphql' ? (
        <CopyButton text={() => graphqlPython(origin, query, variables, operationName)}>
          Copy as Python
        </CopyButton>
      ) : (
        <>
          <CopyButton text={() => sqlPython(origin, query, rows)}>Copy as Python</CopyButton>
          <CopyButton text={() => sqlArrowPython(origin, query)}>Copy as Python (all rows, Arrow)</CopyButton>
        </>
      )}
      <CopyButton text={curl}>Copy as curl</CopyButton>
    </>
  );
}
