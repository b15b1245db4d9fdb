import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import { ask, type Variables } from './client.ts';

/** What a page asks, and the shape of the answer. */
export interface Question<T> {
  readonly query: string;
  readonly schema: z.ZodType<T>;
}

export interface AnswerOptions {
  /** Ask again after so many milliseconds. */
  readonly every?: number | undefined;
  readonly enabled?: boolean;
}

/** The answer to a question, kept while the page shows something else, and the previous one while a new one is fetched. */
export function useAnswer<T>(
  { query, schema }: Question<T>,
  variables: Variables = {},
  { every, enabled = true }: AnswerOptions = {},
): UseQueryResult<T> {
  return useQuery({
    queryKey: [query, variables],
    queryFn: ({ signal }) => ask(query, schema, variables, signal),
    placeholderData: keepPreviousData,
    refetchInterval: every ?? false,
    enabled,
  });
}
