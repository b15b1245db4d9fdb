import { z } from 'zod';
import type { LakeSnapshot } from '../../../lake/engine/types.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { writtenOnce } from '../contract-run/provenance.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import { type ProbeExamples, probeExamples } from './examples.ts';
import type { ProbeSpec } from './probe-spec.ts';

const schema = z.object({ snapshot: z.string() });

/** The state of the lake that the first attempt of the job saw. */
export async function pinnedSnapshot(
  { job, signal }: TaskContext,
  { store, lake }: TaskServices,
): Promise<LakeSnapshot> {
  const key = `${jobPrefix(job.id)}/source.json`;
  const pinned = await writtenOnce(store, key, schema, signal, async () => ({
    snapshot: (await lake.snapshot({}, { signal })).token,
  }));
  return lake.snapshot(pinned, { signal });
}

/** The examples of a specification; says how many were left out. */
export async function labelledExamples(
  spec: ProbeSpec,
  snapshot: LakeSnapshot,
  { signal, log }: TaskContext,
  { lake }: TaskServices,
): Promise<ProbeExamples> {
  const source = await probeExamples(spec, lake, snapshot, signal);
  for (const [reason, count] of Object.entries(source.dropped))
    if (count > 0) log('info', `${count} examples left out: ${reason}`);
  return source;
}
