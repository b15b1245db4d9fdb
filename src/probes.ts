import { readProbe } from '../compute/tasks/probe/stored-probe.ts';
import type { Probes } from '../graphql/context.ts';

/** What `probe` means where activations are compared. */
export function probesOf(env: NodeJS.ProcessEnv): Probes {
  return { read: (sourceUri, { signal }) => readProbe(sourceUri, { env, signal }) };
}
