import { useEffect, useRef, useState } from 'react';
import { ApiError, send } from '../api/client.ts';
import { answerSchema, type ConsoleAnswer } from './answer.ts';
import { bodyOf } from './request.ts';
import type { Draft } from './view.ts';

/** What came of a draft. */
export interface Outcome {
  readonly draft: Draft;
  readonly operationName: string | undefined;
  readonly ms: number;
  readonly answer: ConsoleAnswer;
}

export interface UsedRun {
  readonly outcome: Outcome | undefined;
  /** No answer came, or none that is one. */
  readonly error: Error | undefined;
  /** `performance.now()` when it began, while it runs. */
  readonly since: number | undefined;
  readonly run: (draft: Draft, operationName?: string) => void;
  /** The server stops what nobody waits for. */
  readonly cancel: () => void;
}

/** Runs drafts, one at a time: a new one takes the place of one that runs. */
export function useRun(): UsedRun {
  const [state, set] = useState<Pick<UsedRun, 'outcome' | 'error' | 'since'>>({
    outcome: undefined,
    error: undefined,
    since: undefined,
  });
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const run = async (draft: Draft, operationName?: string) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const since = performance.now();
    set((before) => ({ ...before, error: undefined, since }));
    try {
      const answer = await answerTo(draft, operationName, controller.signal);
      const ms = performance.now() - since;
      if (controller.signal.aborted) return;
      set({ outcome: { draft, operationName, ms, answer }, error: undefined, since: undefined });
    } catch (error) {
      if (controller.signal.aborted) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      set({ outcome: undefined, error: failure, since: undefined });
    }
  };
  const cancel = () => {
    running.current?.abort();
    set((before) => ({ ...before, since: undefined }));
  };
  return { ...state, run: (draft, operationName) => void run(draft, operationName), cancel };
}

async function answerTo(
  draft: Draft,
  operationName: string | undefined,
  signal: AbortSignal,
): Promise<ConsoleAnswer> {
  let body: string;
  try {
    body = bodyOf(draft, operationName);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ApiError(
      `the variables are no JSON: ${said}`,
      'BAD_VARIABLES',
      'correct them, or leave them empty',
    );
  }
  const response = await send('/graphql', body, 'application/json', signal);
  const answer = answerSchema.safeParse(await response.json());
  if (!answer.success) throw new ApiError('the answer is none of GraphQL', 'UNEXPECTED_ANSWER');
  return answer.data;
}
