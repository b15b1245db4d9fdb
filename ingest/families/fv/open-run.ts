import { type QidStatus, qidStatusSchema } from '../../contracts/fv/qid-status.ts';
import { type TopHeads, topHeadsSchema } from '../../contracts/fv/top-heads.ts';
import { type JsonObject, type JsonValue, memberOf, textOf } from '../../contracts/json-value.ts';
import { modelCheckIssues } from '../../contracts/model-check.ts';
import { absolutePath } from '../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink } from '../../family.ts';
import { type IssueLog, issueLog } from '../../run-files/issue-log.ts';
import { readRunDocument, runFiles } from '../../run-files/run-files.ts';
import { evidenceSchema, relationName } from './discovery/identity.ts';
import { cleanMeanQid, type FvLayout, type FvRole, layoutOf } from './layout.ts';
import { DEFAULT_SCORE_KEY } from './ranking.ts';
import { type FvRun, readDocument, report } from './run.ts';
import type { RunIdentity } from './trials.ts';
import { validated } from './validated.ts';

/** Roles of the small documents that are about the run as a whole. */
const DOCUMENTS: readonly FvRole[] = [
  'run-meta',
  'run-status',
  'top-heads',
  'fv-meta',
  'step-e',
  'perf-stats',
  'resume-state',
  'addition-settings',
];

export interface StatusFile {
  readonly file: string;
  readonly document: JsonObject | undefined;
  /** Undefined when the file cannot be read, which rejects the run. */
  readonly status: QidStatus | undefined;
}

/** A run with its small documents read: what it is about and how it was made. */
export interface OpenRun {
  readonly run: FvRun;
  readonly statusFile: StatusFile | undefined;
  readonly documents: ReadonlyMap<FvRole, JsonObject>;
  readonly topHeads: TopHeads | undefined;
  /** The configuration as recorded. */
  readonly config: JsonObject | undefined;
  readonly identity: RunIdentity;
  /** The score by which heads and layers are ranked. */
  readonly scoreKey: string;
}

/** Reads the status file first: it decides what is forgiven in the others. */
export async function openRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<OpenRun> {
  const files = runFiles(candidate);
  const layout = layoutOf(files.keys());
  const strict = issueLog(sink, context);
  const statusFile = await readStatus(layout.first('status'), files, context, strict);
  const scored = layout.first('cie') !== undefined || layout.first('aie') !== undefined;
  const interrupted = !scored && layout.first('resume-heads') !== undefined;
  const unfinished =
    statusFile === undefined ? interrupted : (statusFile.status?.status ?? 'completed') !== 'completed';
  const run: FvRun = {
    context,
    sink,
    // Records of a run that had not ended may be cut off; nothing is forgiven when the status file is unreadable.
    log: joined(strict, issueLog(sink, { lenient: context.lenient || unfinished })),
    files,
    layout,
    unfinished,
    qId: statusFile?.status?.q_id ?? meanQuery(layout),
  };
  const documents = new Map<FvRole, JsonObject>();
  for (const role of DOCUMENTS) {
    const document = await readDocument(run, layout.first(role));
    if (document !== undefined) documents.set(role, document);
  }
  const topFile = layout.first('top-heads');
  const topDocument = documents.get('top-heads');
  const topHeads =
    topDocument === undefined || topFile === undefined
      ? undefined
      : validated(topHeadsSchema, topDocument, { file: topFile }, (issue) => report(run, issue));
  const config =
    memberOf(statusFile?.document, 'config') ??
    documents.get('run-meta') ??
    memberOf(topDocument, 'meta') ??
    (await firstInjectionMeta(run));
  checkQueryName(run, statusFile, candidate);
  for (const issue of modelCheckIssues(statusFile?.document, statusFile?.file ?? '')) report(run, issue);
  return {
    run,
    statusFile,
    documents,
    topHeads,
    config,
    identity: {
      benchmark: benchmarkOf(candidate, context, statusFile, config),
      modelId: textOf(config?.['model']) ?? textOf(documents.get('fv-meta')?.['model']) ?? null,
      seed: wholeOf(config?.['seed']),
    },
    scoreKey: topHeads?.meta?.score_key ?? textOf(config?.['score_key']) ?? DEFAULT_SCORE_KEY,
  };
}

async function readStatus(
  file: string | undefined,
  files: FvRun['files'],
  context: ReadContext,
  log: IssueLog,
): Promise<StatusFile | undefined> {
  if (file === undefined) return undefined;
  const document = await readRunDocument(files, file, context, log);
  const status =
    document === undefined
      ? undefined
      : validated(qidStatusSchema, document, { file }, (issue) => log.add(issue));
  return { file, document, status };
}

/** The only relation query that mean activations are named after; null when there are several or none. */
function meanQuery(layout: FvLayout): string | null {
  const named = layout.all('clean-mean').flatMap((file) => cleanMeanQid(file) ?? []);
  return named.length === 1 ? named[0]! : null;
}

/** The log `second`, which knows that the first one may have rejected the run already. */
function joined(first: IssueLog, second: IssueLog): IssueLog {
  return {
    get rejected() {
      return first.rejected || second.rejected;
    },
    codes: second.codes,
    add: second.add,
    record: second.record,
    run: second.run,
    warn: second.warn,
    info: second.info,
    finish: () => {
      first.finish();
      second.finish();
    },
  };
}

/** Where nothing else tells how the run was made, the first injected layer does. */
async function firstInjectionMeta(run: FvRun): Promise<JsonObject | undefined> {
  const [sweep] = run.layout.sweeps;
  const [first] = sweep?.layers.values() ?? [];
  const file = first?.meta;
  const meta = file === undefined ? undefined : await readDocument({ ...run, unfinished: true }, file);
  if (meta === undefined) return undefined;
  const { heads: _heads, fv_meta: _fvMeta, edit_layer: _layer, ...config } = meta;
  return config;
}

function checkQueryName(run: FvRun, statusFile: StatusFile | undefined, candidate: RunCandidate): void {
  const directory = candidate.root.slice(candidate.root.lastIndexOf('/') + 1);
  if (statusFile?.status === undefined || run.qId === directory || run.qId === decoded(directory)) return;
  const message = `${run.qId}; the directory of the relation query is ${directory}`;
  run.log.warn({ code: 'Q_ID_MISMATCH', file: statusFile.file, pointer: '/q_id', message });
}

/** Runlake's jobs percent-encode what may not be in the name of a directory. */
function decoded(directory: string): string | undefined {
  try {
    return decodeURIComponent(directory);
  } catch {
    return undefined;
  }
}

/** The relation: by its CSV file, else by the directory of its results. */
function benchmarkOf(
  candidate: RunCandidate,
  context: ReadContext,
  statusFile: StatusFile | undefined,
  config: JsonObject | undefined,
): string | null {
  const evidence = evidenceSchema.safeParse(statusFile?.document ?? config ?? {});
  const named = evidence.success ? relationName(evidence.data) : undefined;
  if (named !== undefined || statusFile === undefined) return named ?? null;
  return absolutePath(context.tree.store.uri, candidate.root).at(-2) ?? null;
}

/** A whole number of 64 bits, which is what a column holds. */
function wholeOf(value: JsonValue | undefined): number | bigint | null {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : null;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
