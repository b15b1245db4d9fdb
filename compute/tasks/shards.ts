import { z } from 'zod';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import type { JobKind } from '../jobs/job.ts';
import { PermanentTaskError } from '../jobs/worker.ts';
import { jobPrefix } from './task.ts';

/** Members of a specification that may be done by several jobs side by side. */
export const shardFields = {
  shards: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('So many jobs that may run side by side, and one that puts their results together.'),
  shard: z
    .object({ index: z.int().min(0), count: z.int().min(1) })
    .refine(({ index, count }) => index < count, { error: 'expected an index below the count' })
    .optional()
    .describe('Which part of the work; set by `shards`.'),
  merge: z.array(z.string().min(1)).min(1).optional().describe('Jobs to put together; set by `shards`.'),
};

export interface Sharded {
  readonly shards: number;
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  readonly merge?: readonly string[] | undefined;
}

/** `TaskDefinition.split` of such a specification. */
export function splitShards<S extends Sharded>(
  spec: S,
): { readonly parts: S[]; readonly merge: (jobIds: readonly string[]) => S } | undefined {
  const { shards: count } = spec;
  if (count === 1) return undefined;
  const one = { ...spec, shards: 1 };
  return {
    parts: Array.from({ length: count }, (_, index) => ({ ...one, shard: { index, count } })),
    merge: (jobIds) => ({ ...one, merge: [...jobIds] }),
  };
}

/** A slice of `length` things: that of a shard, or all of them. */
export function shardRange(shard: Sharded['shard'], length: number): readonly [start: number, end: number] {
  if (shard === undefined) return [0, length];
  const bound = (index: number): number => Math.floor((index * length) / shard.count);
  return [bound(shard.index), bound(shard.index + 1)];
}

/**
 * Makes sure that jobs are shards, whose results are there to be taken: anybody may name any job.
 * @throws PermanentTaskError
 */
export async function requireShards(
  jobIds: readonly string[],
  kind: JobKind,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const schema = z.object({ kind: z.literal(kind), spec: z.object({ shard: z.object({}) }) });
  for (const id of jobIds) {
    const key = `${jobPrefix(id)}/spec.json`;
    const found = /^[\w-]+$/.test(id) ? await store.head(key, { signal }) : undefined;
    const document: unknown =
      found && JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8'));
    if (!schema.safeParse(document).success)
      throw new PermanentTaskError('NO_SHARD', `${id} is no shard of an ${kind} job`);
  }
}
