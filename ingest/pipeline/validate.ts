import { ACTIVATIONS, ISSUES } from '../../lake/tables/tables.ts';
import { activationRows } from '../activations.ts';
import {
  type ActivationOptions,
  DEFAULT_ACTIVATION_OPTIONS,
  type Issue,
  type RunSink,
  type StoreRef,
  type StoreResult,
} from '../family.ts';
import type { RunReport } from '../report.ts';
import { fileHash } from './content-hash.ts';
import { type DiscoverOptions, discoverJobs } from './discover.ts';
import { Duplicates, duplicateIssue } from './duplicates.ts';
import { type ProgressListener, ProgressMeter } from './progress.ts';
import { failureIssue, openStore, type RunJob } from './run-ingest.ts';

export interface ValidateOptions extends DiscoverOptions {
  readonly activations?: ActivationOptions;
  readonly onProgress?: ProgressListener;
}

/** A validated run: `ingested` means that it would be. `compliance` is the contract's checklist as JSON text. */
export interface ValidatedRun extends RunReport {
  readonly compliance: string | null;
}

export interface ValidationReport {
  readonly runs: readonly ValidatedRun[];
  readonly issues: readonly Issue[];
}

/** Reads and checks everything that `ingest` would, tensors included, and writes nothing. */
export async function validate(uris: readonly string[], options: ValidateOptions): Promise<ValidationReport> {
  const issues: Issue[] = [];
  const meter = new ProgressMeter(options.onProgress);
  const jobs = await discoverJobs(uris, options, {
    issue: (issue) => void issues.push(issue),
    found: () => meter.add({ runsFound: 1 }),
  });
  meter.stage('ingesting');
  const runs: ValidatedRun[] = [];
  const duplicates = new Duplicates();
  for (const job of jobs) {
    meter.current(job.candidate.runId);
    runs.push(await validateRun(job, options, meter, duplicates));
    meter.add({ runsDone: 1 });
  }
  meter.stage('done');
  return { runs, issues };
}

async function validateRun(
  job: RunJob,
  options: ValidateOptions,
  meter: ProgressMeter,
  duplicates: Duplicates,
): Promise<ValidatedRun> {
  const { family, candidate, context } = job;
  const rows: Record<string, number> = {};
  const issues: Issue[] = [];
  const sink: RunSink = {
    rows: async (table, values) => {
      rows[table.name] = (rows[table.name] ?? 0) + values.length;
    },
    issue: (issue) => void issues.push(issue),
    store: async (ref) => {
      const store = await readStore(job, ref, options, meter);
      rows[ACTIVATIONS.name] = (rows[ACTIVATIONS.name] ?? 0) + store.nActivations;
      return store;
    },
  };
  const { results, runId } = candidate;
  const identity = { runId, family: candidate.family };
  try {
    if (results !== undefined) {
      const hash = await fileHash(context.tree.store, results.key, { signal: options.signal });
      const { duplicateOf } = await duplicates.of(runId, hash);
      if (duplicateOf !== undefined) issues.push(duplicateIssue(candidate, duplicateOf));
    }
    const { accepted, columns } = await family.read(candidate, sink, context);
    if (accepted && issues.length > 0) rows[ISSUES.name] = issues.length;
    duplicates.settle(runId, accepted);
    const status = accepted ? 'ingested' : 'rejected';
    return { ...identity, status, rows: accepted ? rows : {}, issues, compliance: columns.compliance };
  } catch (error) {
    duplicates.settle(runId, false);
    context.signal?.throwIfAborted();
    return {
      ...identity,
      status: 'rejected',
      rows: {},
      issues: [...issues, failureIssue(error)],
      compliance: null,
    };
  }
}

async function readStore(
  job: RunJob,
  ref: StoreRef,
  options: ValidateOptions,
  meter: ProgressMeter,
): Promise<StoreResult> {
  const activations = options.activations ?? DEFAULT_ACTIVATION_OPTIONS;
  const reader = await openStore(job, ref);
  let [nEntries, nActivations] = [0, 0];
  for await (const entry of reader.entries(activations, options.signal)) {
    nEntries += 1;
    meter.add({ storeEntries: 1 });
    for await (const batch of activationRows(entry, activations, options.signal)) nActivations += batch.rows;
  }
  return { storeId: ref.root, nEntries, nActivations, damaged: reader.damaged, issues: reader.issues };
}
