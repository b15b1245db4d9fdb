import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useRef } from 'react';
import { Link } from 'wouter';
import { z } from 'zod';
import { ask } from '../api/client.ts';
import { Failure } from '../ui/states.tsx';
import { launchAddress } from './kinds.ts';
import { CANCEL, hasEnded, type JobRow, RETRY } from './queries.ts';

interface ActionsProps {
  readonly job: Pick<JobRow, 'id' | 'kind' | 'state' | 'cancelRequested'>;
  /** Something was asked for. */
  readonly asked: () => void;
}

/** What can be done about a job in its state. */
export function Actions({ job, asked }: ActionsProps): ReactNode {
  const { id, kind, state, cancelRequested } = job;
  const question = useRef<HTMLDialogElement>(null);
  const change = useMutation({
    mutationFn: (mutation: string) => ask(mutation, z.unknown(), { id }, AbortSignal.timeout(30_000)),
    onSettled: asked,
  });
  const isRunning = state === 'RUNNING';
  return (
    <>
      <p className="actions">
        {!hasEnded(job) && (
          <button
            type="button"
            disabled={cancelRequested || change.isPending}
            // A job that waits has nothing to lose.
            onClick={() => (isRunning ? question.current?.showModal() : change.mutate(CANCEL))}
          >
            {cancelRequested ? 'Cancelling…' : isRunning ? 'Cancel…' : 'Cancel'}
          </button>
        )}
        {hasEnded(job) && state !== 'COMPLETED' && (
          <button type="button" disabled={change.isPending} onClick={() => change.mutate(RETRY)}>
            Retry
          </button>
        )}
        <Link href={`${launchAddress(kind)}?from=${encodeURIComponent(id)}`}>Launch again with changes</Link>
      </p>
      {change.error && <Failure error={change.error} />}
      <dialog ref={question} aria-labelledby="cancel-title" aria-describedby="cancel-text">
        <h2 id="cancel-title">Cancel this job?</h2>
        <p id="cancel-text">
          Its worker stops within seconds. What it works on at the moment is lost; what it has stored stays,
          and a retry goes on from there.
        </p>
        <form
          method="dialog"
          onSubmit={(event) => {
            const { submitter } = event.nativeEvent;
            if (submitter instanceof HTMLButtonElement && submitter.value === 'cancel') change.mutate(CANCEL);
          }}
        >
          <button type="submit" value="keep">
            Let it run
          </button>{' '}
          <button type="submit" value="cancel">
            Cancel the job
          </button>
        </form>
      </dialog>
    </>
  );
}
