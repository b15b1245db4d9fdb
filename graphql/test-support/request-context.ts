import type { LakeReader } from '../../lake/engine/types.ts';
import { ANONYMOUS } from '../access/principal.ts';
import type { RequestContext } from '../context.ts';
import { DEFAULT_LIMITS } from '../limits/limits.ts';
import { RequestCost } from '../observability/cost.ts';
import { SnapshotScope } from '../snapshots.ts';
import { ValueIssues } from '../value-issues.ts';

/** What a request to a server has that can do nothing but read a lake. */
export function requestContext(reader: LakeReader): RequestContext {
  const { signal } = new AbortController();
  return {
    principal: ANONYMOUS,
    addresses: undefined,
    reader,
    origin: undefined,
    limits: DEFAULT_LIMITS,
    cost: new RequestCost(),
    signal,
    deadline: performance.now() + 60_000,
    unlimitTime() {},
    snapshots: new SnapshotScope(reader, signal),
    issues: new ValueIssues(),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    requestId: 'test',
  };
}
