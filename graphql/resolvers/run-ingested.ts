import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLResolveInfo } from 'graphql';
import { Ctx, Info, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { ENTITIES } from '../plan/entities.ts';
import { isIdentifiedBy, resolveOne } from '../plan/execute.ts';
import { SnapshotScope } from '../snapshots.ts';
import { endable } from '../subscriptions.ts';
import { TYPES_BY_ENTITY } from '../types/entities.ts';
import { ValueIssues } from '../value-issues.ts';

/** How often the lake is looked at: others write to it as well, and nobody tells. */
const LOOK_MS = 1000;

@Resolver()
export class RunIngestedResolver {
  @Subscription(() => TYPES_BY_ENTITY.Run, {
    description: 'Every run that is ingested or replaced from now on, whoever does it.',
    subscribe: ({ context }: { context: RequestContext }) =>
      endable(context.signal, (signal) => ingestedRuns(context, signal)),
  })
  runIngested(
    @Root() runId: string,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Record<string, unknown> | null> {
    // A subscription lives long; each of its answers is a request of its own.
    const { reader, limits, signal } = context;
    const fresh = {
      ...context,
      deadline: performance.now() + limits.time,
      snapshots: new SnapshotScope(reader, signal),
      issues: new ValueIssues(),
    };
    return resolveOne(fresh, info, ENTITIES.Run, isIdentifiedBy(ENTITIES.Run, runId));
  }
}

async function* ingestedRuns(
  { reader, logger }: RequestContext,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let known: ReadonlyMap<string, string> | undefined;
  while (!signal.aborted) {
    try {
      const { runs } = await reader.snapshot(undefined, { signal });
      const current = new Map([...runs].map(([id, { ingest_id }]) => [id, ingest_id]));
      for (const [id, ingest] of current) if (known !== undefined && known.get(id) !== ingest) yield id;
      known = current;
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'the lake cannot be read for a subscription');
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}
