import type { z } from 'zod';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import type { IngestReport } from '../../ingest/report.ts';
import type { Lake } from '../../lake/lake.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import type { JobKind } from '../jobs/job.ts';
import type { TaskContext } from '../jobs/worker.ts';

/** What tasks work with. */
export interface TaskServices {
  /** The lake, for what has been ingested. */
  readonly lake: Lake;
  /** Where the results go: the store of the lake, below `jobs/<job id>/`. */
  readonly store: ObjectStore;
  /** A local directory for files that a task needs for a while. */
  readonly scratch: string;
  /** Credentials and endpoints. */
  readonly env: NodeJS.ProcessEnv;
  /** The compiled host of the model's process; default: the one that belongs to this build. */
  readonly modelHost?: string;
  /** Milliseconds of work that may be lost when the worker dies: what is done is stored about as often. Default 2,000. */
  readonly checkpointMs?: number;
  /** Ingests the runs below a key of `store`, as the last step of a job that made some. */
  ingest(key: string, options: { readonly signal: AbortSignal }): Promise<IngestReport>;
}

/** One kind of job: what has to be said to launch it, and how it is done. */
export interface TaskDefinition<Spec = unknown> {
  readonly kind: JobKind;
  /** One sentence for the help of the command line and for the documentation of the mutation. */
  readonly doc: string;
  /** The specification; the launch mutation's input type is made of it, so its keys are in camelCase. */
  readonly spec: z.ZodType<Spec>;
  /**
   * Jobs that a specification asks for instead of one: parts that may run side by side, and the job that waits for them and
   * puts their results together. Undefined for one that is done by one job.
   */
  split?(
    spec: Spec,
  ): { readonly parts: readonly Spec[]; readonly merge: (jobIds: readonly string[]) => Spec } | undefined;
  /** See `Task`. */
  run(spec: Spec, context: TaskContext, services: TaskServices): Promise<JsonValue>;
}

/** Where the files of a job are in the store. */
export function jobPrefix(jobId: string): string {
  return `jobs/${jobId}`;
}
