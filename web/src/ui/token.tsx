import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useId, useState } from 'react';
import { z } from 'zod';
import { ApiError, storedToken, storeToken } from '../api/client.ts';
import { type Question, useAnswer } from '../api/use-answer.ts';
import './token.css';

const principal = z.object({ name: z.string(), role: z.string() });

/** As whom this tab asks. */
const WHO: Question<{ readonly server: { readonly principal: z.infer<typeof principal> } }> = {
  query: '{ server { principal { name role } } }',
  schema: z.object({ server: z.object({ principal }) }),
};

export function isRefused(error: Error | null): error is ApiError {
  return error instanceof ApiError && error.code === 'UNAUTHENTICATED';
}

/** The pages, or what to do on a server that does not let this tab in. */
export function Door({ children }: { children: ReactNode }): ReactNode {
  const { error } = useAnswer(WHO);
  return isRefused(error) ? <AskToken reason={error.message} /> : children;
}

/** Something was refused to a tab that had been let in: its door is to be looked at again. */
export function Refused(): ReactNode {
  const client = useQueryClient();
  useEffect(() => void client.invalidateQueries({ queryKey: [WHO.query] }), [client]);
  return (
    <p className="state" role="status">
      The server asks for a token.
    </p>
  );
}

/** Whose token this tab has, and how to forget it. Nothing on a server that asks for none. */
export function SignedIn(): ReactNode {
  const { data } = useAnswer(WHO);
  if (data === undefined || storedToken() === null) return null;
  const { name, role } = data.server.principal;
  return (
    <p className="who">
      {name} <span className="quiet">({role})</span>{' '}
      <button type="button" onClick={() => use('')}>
        Sign out
      </button>
    </p>
  );
}

function AskToken({ reason }: { reason: string }): ReactNode {
  const id = useId();
  const [token, setToken] = useState('');
  const hadOne = storedToken() !== null;
  return (
    <form
      className="state"
      onSubmit={(event) => {
        event.preventDefault();
        use(token.trim());
      }}
    >
      <h1>Sign in</h1>
      {hadOne && (
        <p role="alert">
          The token that this tab has does not open the door: <strong>{reason}</strong>.
        </p>
      )}
      <label htmlFor={id}>
        This server asks for a token (whoever runs it makes one with <code>runlake token create</code>):
      </label>
      <p>
        <input
          id={id}
          type="password"
          autoComplete="off"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />{' '}
        <button type="submit" disabled={token.trim() === ''}>
          Use it in this tab
        </button>
      </p>
    </form>
  );
}

/** Everything that was answered to somebody else goes with the page. */
function use(token: string): void {
  storeToken(token);
  location.reload();
}
