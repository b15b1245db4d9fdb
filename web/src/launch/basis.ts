import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { z } from 'zod';
import { ask } from '../api/client.ts';
import type { Task } from './tasks.ts';

/** A job that a form begins with. */
export interface Basis {
  readonly id: string;
  readonly spec: unknown;
}

const job = z.object({ id: z.string(), spec: z.unknown() });

/**
 * The job that a form begins with: the one named, else the last of the kind that was completed, so that what is needed has
 * values that were good once. Null without one.
 * @throws ApiError
 */
async function basisOf(
  kind: string | undefined,
  id: string | undefined,
  signal: AbortSignal,
): Promise<Basis | null> {
  if (id !== undefined) {
    const query = 'query ($id: ID!) { job(id: $id) { id spec } }';
    return (await ask(query, z.object({ job: job.nullable() }), { id }, signal)).job;
  }
  if (kind === undefined) return null;
  const query = `query ($kind: JobKind!) { jobs(first: 1, filter: { states: [COMPLETED], kinds: [$kind] }) { nodes { id spec } } }`;
  const { jobs } = await ask(query, z.object({ jobs: z.object({ nodes: z.array(job) }) }), { kind }, signal);
  return jobs.nodes[0] ?? null;
}

export function useBasis({ kind }: Pick<Task, 'kind'>, id: string | undefined): UseQueryResult<Basis | null> {
  return useQuery({
    queryKey: ['basis', kind, id],
    queryFn: ({ signal }) => basisOf(kind, id, signal),
    // A form that is being filled in does not begin anew.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}
