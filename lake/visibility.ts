import { z } from 'zod';

/*
 * Which rows are current is decided by the log alone: every data file says in a tag which ingests its rows belong
 * to, and every file of `runs` says which runs it holds and which ingests they name. So a reader knows what is
 * visible before it opens a single Parquet file (docs/architecture.md, "Visibility of a run").
 */

/** Tag of every data file: JSON array of the ingest ids whose rows it holds. */
export const INGESTS_TAG = 'runlake.ingests';
/** Tag of the data files of `runs`: JSON array of `RunEntry`. */
export const RUNS_TAG = 'runlake.runs';

/**
 * Tag of a data file: how many of the table's columns it has. Columns are only ever added at the end, so the number
 * says which; a file without the tag is read by name.
 */
export const COLUMNS_TAG = 'runlake.columns';

const runEntry = z.object({
  run_id: z.string(),
  ingest_id: z.string(),
  content_sha256: z.string(),
  /** ingest ids of the activation stores that the run refers to */
  stores: z.array(z.string()),
  /** hash of the file that alone is the run's measurement, where the family has one */
  results_sha256: z.string().optional(),
  /** the run that held the same measurement when this one was ingested */
  duplicate_of: z.string().optional(),
});

/** A visible run, as the log of `runs` names it. */
export type RunEntry = z.infer<typeof runEntry>;

const ingestList = z.array(z.string());
const runList = z.array(runEntry);

type Tags = Readonly<Record<string, string>> | null | undefined;

type Tagged = { readonly tags?: Tags };

const knownIngests = new WeakMap<Tagged, readonly string[]>();

/** Ingests whose rows a file holds. Empty for a file that Runlake did not write. Decoded once a file. */
export function ingestsOf(file: Tagged): readonly string[] {
  let ingests = knownIngests.get(file);
  if (ingests === undefined) {
    const tag = file.tags?.[INGESTS_TAG];
    ingests = tag === undefined ? [] : ingestList.parse(JSON.parse(tag));
    knownIngests.set(file, ingests);
  }
  return ingests;
}

/** Runs that a file of `runs` holds. */
export function runsOf(file: { readonly tags?: Tags }): RunEntry[] {
  const tag = file.tags?.[RUNS_TAG];
  return tag === undefined ? [] : runList.parse(JSON.parse(tag));
}

/** Columns that a file has, undefined when it does not say. */
export function columnCountOf(file: { readonly tags?: Tags }): number | undefined {
  const tag = file.tags?.[COLUMNS_TAG];
  return tag === undefined ? undefined : Number(tag);
}

/** The tags of a data file. */
export function ingestTags(ingests: readonly string[]): Record<string, string> {
  return { [INGESTS_TAG]: JSON.stringify(ingests) };
}

/** The tags of a data file of `runs`. */
export function runTags(runs: readonly RunEntry[]): Record<string, string> {
  return { ...ingestTags(runs.map((run) => run.ingest_id)), [RUNS_TAG]: JSON.stringify(runs) };
}

/** Every ingest whose rows are current when these runs are visible. */
export function visibleIngests(runs: Iterable<RunEntry>): Set<string> {
  const visible = new Set<string>();
  for (const run of runs) {
    visible.add(run.ingest_id);
    for (const store of run.stores) visible.add(store);
  }
  return visible;
}
