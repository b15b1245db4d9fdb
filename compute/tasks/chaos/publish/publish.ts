import type { AnyChaosManifest } from '../../../../ingest/contracts/chaosbench/run-manifest.ts';
import { MANIFEST_FILE, RECEIPT_FILE } from '../../../../ingest/families/chaosbench/files.ts';
import { CRITERIA, FLAGS, type VerdictFlag } from '../../../../ingest/families/chaosbench/policy/index.ts';
import { keyProblem } from '../../../../lake/store/keys.ts';
import type { CallOptions } from '../../../../lake/store/object-store.ts';
import { checkedManifest } from '../manifest.ts';
import {
  type CollectedArtifacts,
  collectArtifacts,
  MAX_SUBSET_ITEMS,
  missing,
  readArtifact,
} from './artifacts.ts';
import { documentOf } from './document.ts';
import { NotOfficialError, PublishConflictError, UnpublishableRunError } from './errors.ts';
import { isIndexPage, renderIndex } from './index-page.ts';
import { PublishedTree } from './published-tree.ts';
import { makeReceipt, type Receipt, type ReceiptInput, receiptBytes } from './receipt.ts';
import { findSource, type RunLookup, type SourceOptions, type SourceRun } from './source.ts';
import type { DirectoryFiles } from './write-directory.ts';

export interface PublishRequest {
  /** A run id of the lake, the end of one, or a run directory. */
  readonly run: string;
  /** Only a run of the lake, no directory. */
  readonly onlyIngested?: boolean | undefined;
  /** Where published runs lie: a directory or `s3://bucket/prefix`. */
  readonly out: string;
  /** Directory of the run below `out`; its own run id when undefined. */
  readonly name?: string | undefined;
  readonly compressPredictions?: boolean | undefined;
  /** Replace what is published under this name. */
  readonly force?: boolean | undefined;
  /** Publish a run that is not official too, marked as what it is. */
  readonly allowExploratory?: boolean | undefined;
}

export interface PublishOptions extends SourceOptions {
  readonly lake?: RunLookup;
  /** Recorded in the receipt. */
  readonly now: Date;
}

export interface PublishResult {
  /** `unchanged`: exactly this was published before, and is left as it was. */
  readonly status: 'published' | 'replaced' | 'unchanged';
  readonly runId: string;
  /** Where the run lies now. */
  readonly uri: string;
  readonly receipt: Receipt;
}

/**
 * Copies the lightweight artifacts of a run into a tree of published runs, with a receipt, and brings the tree's index
 * up to date. The run appears whole or not at all, holds nothing of what was published under its name before, and has
 * the same bytes whenever the same artifacts are published, but for the time in the receipt.
 * @throws RunNotFoundError, SourceChangedError, UnpublishableRunError, NotOfficialError, PublishConflictError
 */
export async function publishRun(request: PublishRequest, options: PublishOptions): Promise<PublishResult> {
  const { compressPredictions = false, force = false } = request;
  const calls = options.signal === undefined ? {} : { signal: options.signal };
  const source = await findSource(request.run, options.lake, options, request.onlyIngested);
  const manifest = await readManifest(source, calls);
  checkVerdict(source, request.allowExploratory ?? false);
  const predictions = compressPredictions ? subsetDecision(manifest, source) : undefined;
  const collected = await collectArtifacts(source, predictions, calls);
  const input: ReceiptInput = {
    published_utc: options.now.toISOString(),
    source_run_dir: sourceRunDir(source),
    run_id: manifest.run_id,
    compress_predictions: compressPredictions,
    verdict: source.verdict,
    verdict_reasons: source.verdictReasons,
  };
  const name = directoryName(request.name ?? manifest.run_id);
  const tree = await PublishedTree.open(request.out, options.env);
  const uri = `${tree.uri}/${name}`;
  if (uri === source.uri) {
    throw new PublishConflictError('the run would be published onto itself', { where: { file: uri } });
  }
  await tree.checkIndex(isIndexPage, calls);
  const present = await tree.list(name, calls);
  const before = await publishedTime(tree, name, calls);
  let status: PublishResult['status'] = present.size === 0 ? 'published' : 'replaced';
  let receipt = makeReceipt(input, collected);
  if (present.size > 0) {
    const same = makeReceipt({ ...input, published_utc: before ?? input.published_utc }, collected);
    const differing = await tree.differing(name, present, directoryFiles(collected, same), calls);
    if (differing.length === 0) [status, receipt] = ['unchanged', same];
    else if (!force) throw occupied(uri, differing);
  }
  if (status !== 'unchanged') {
    const files = directoryFiles(collected, receipt);
    await tree.write(name, files, { ...calls, overwrite: status === 'replaced' });
  }
  await tree.writeIndex(() => renderIndex(tree, calls), calls);
  return { status, runId: source.runId, uri, receipt };
}

/** The run's place in its tree: what ingest makes the same identity of, and no path of this machine. */
function sourceRunDir({ runId }: SourceRun): string {
  const [, , ...identity] = runId.split('/');
  return ['runs', ...identity].join('/');
}

function directoryFiles({ files }: CollectedArtifacts, receipt: Receipt): DirectoryFiles {
  const named = [...files].map(([file, { bytes }]) => [file, bytes] as const);
  return new Map([...named, [RECEIPT_FILE, receiptBytes(receipt)]]);
}

/** When what lies under a name was published; undefined when its receipt does not say. */
async function publishedTime(
  tree: PublishedTree,
  name: string,
  options: CallOptions,
): Promise<string | undefined> {
  const time = documentOf(await tree.read(name, RECEIPT_FILE, options))['published_utc'];
  return typeof time === 'string' ? time : undefined;
}

async function readManifest(run: SourceRun, options: CallOptions): Promise<AnyChaosManifest> {
  const bytes = await readArtifact(run, MANIFEST_FILE, options);
  if (bytes === undefined) throw missing(run, MANIFEST_FILE);
  const manifest = checkedManifest(documentOf(bytes));
  if (manifest !== undefined) return manifest;
  throw new UnpublishableRunError(`${MANIFEST_FILE} breaks its contract`, {
    where: { file: `${run.uri}/${MANIFEST_FILE}` },
    remedy: 'runlake validate lists every issue',
  });
}

/** Says that a run without `max_items` has fewer items than the dataset. */
const SUBSET_FLAG: VerdictFlag = 'subset_without_max_items';

/** Whether a run's predictions may be published: those of a subset may, to keep the tree light. */
function subsetDecision(
  manifest: AnyChaosManifest,
  { verdictReasons }: SourceRun,
): true | { readonly skip: string } {
  const isSubset = manifest.max_items !== null || verdictReasons.includes(SUBSET_FLAG);
  if (!isSubset) return { skip: 'not a subset run' };
  const planned = Number(manifest.total_items_evaluated);
  return planned <= MAX_SUBSET_ITEMS
    ? true
    : { skip: `${planned} items, at most ${MAX_SUBSET_ITEMS} are published` };
}

/** @throws NotOfficialError */
function checkVerdict({ runId, verdict, verdictReasons }: SourceRun, allowExploratory: boolean): void {
  if (verdict === 'OFFICIAL' || allowExploratory) return;
  const failed = CRITERIA.filter((criterion) => verdictReasons.includes(criterion));
  const notes = FLAGS.filter((flag) => verdictReasons.includes(flag));
  const criteria = failed.length === 0 ? '' : `; criteria not met: ${failed.join(', ')}`;
  const flags = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  throw new NotOfficialError(`${runId} is ${verdict ?? 'without a verdict'}${criteria}${flags}`, {
    expected: 'a run that meets the five criteria of the policy',
    remedy: 'publish it as exploratory (--allow-exploratory), or run it again as the policy says',
  });
}

/** A name that stays one directory below the tree. @throws UnpublishableRunError */
function directoryName(name: string): string {
  const problem = keyProblem(name) ?? (name.includes('/') ? 'it contains a slash' : undefined);
  if (problem === undefined && !name.startsWith('.')) return name;
  throw new UnpublishableRunError(
    `${JSON.stringify(name)} cannot name a published run: ${problem ?? 'it is hidden'}`,
    {
      expected: 'a name such as 20260220T104105Z_ollama_llama3.1:8b',
      remedy: 'choose one with --name',
    },
  );
}

function occupied(uri: string, differing: readonly string[]): PublishConflictError {
  return new PublishConflictError(`something else is published there: ${differing.join(', ')}`, {
    where: { file: uri },
    remedy: 'replace it with --force, or choose another --name',
  });
}
