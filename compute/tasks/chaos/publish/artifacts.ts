import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import {
  CHECKPOINT_FILE,
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  SUBSET_FILE,
  SUMMARY_FILE,
} from '../../../../ingest/families/chaosbench/files.ts';
import { messageOf } from '../../../../lake/errors.ts';
import type { CallOptions } from '../../../../lake/store/object-store.ts';
import { UnpublishableRunError } from './errors.ts';
import { reproducibleGzip } from './gzip.ts';
import type { SourceRun } from './source.ts';

/** What is published of every run. */
const LIGHTWEIGHT: readonly { readonly file: string; readonly required: boolean }[] = [
  { file: MANIFEST_FILE, required: true },
  { file: METRICS_FILE, required: true },
  { file: SUMMARY_FILE, required: false },
];

/** Runs with more items are published without their answers, so that the tree stays light. */
export const MAX_SUBSET_ITEMS = 5_000;

/** More than any artifact of a run with `MAX_SUBSET_ITEMS` items has. */
const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024;

export interface PublishedFile {
  readonly bytes: Uint8Array;
  /** Of the content before compression; absent where nothing was compressed. */
  readonly contentSha256?: string;
}

export interface CollectedArtifacts {
  /** In the order in which a receipt lists them. */
  readonly files: ReadonlyMap<string, PublishedFile>;
  /** `name (reason)` of what was asked for and is not there. */
  readonly skipped: readonly string[];
}

/**
 * The artifacts that are published of a run, byte for byte; its predictions compressed where they are asked for and the
 * run is a subset.
 * @param predictions `undefined`: not asked for; else why they cannot be published, or `true`
 * @throws UnpublishableRunError when an artifact that has to be there is missing or too large
 */
export async function collectArtifacts(
  run: SourceRun,
  predictions: true | { readonly skip: string } | undefined,
  options: CallOptions = {},
): Promise<CollectedArtifacts> {
  const files = new Map<string, PublishedFile>();
  const skipped: string[] = [];
  for (const { file, required } of LIGHTWEIGHT) {
    const bytes = await readArtifact(run, file, options);
    if (bytes !== undefined) files.set(file, { bytes });
    else if (required) throw missing(run, file);
    else skipped.push(`${file} (missing)`);
  }
  if (predictions === true) {
    const content = await readPredictions(run, options);
    files.set(SUBSET_FILE, {
      bytes: reproducibleGzip(content),
      contentSha256: createHash('sha256').update(content).digest('hex'),
    });
  } else if (predictions !== undefined) {
    skipped.push(`${SUBSET_FILE} (skipped: ${predictions.skip})`);
  }
  return { files, skipped };
}

/** The bytes of an artifact; undefined when the run has none of this name. @throws UnpublishableRunError when it is too large */
export async function readArtifact(
  { tree, files }: SourceRun,
  file: string,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  const info = files.get(file);
  if (info === undefined) return undefined;
  if (info.size > MAX_ARTIFACT_BYTES) throw tooLarge(file, info.size);
  return tree.store.get(info.key, options);
}

/** The predictions as text, whether they lie there plain or were published compressed. */
async function readPredictions(run: SourceRun, options: CallOptions): Promise<Uint8Array> {
  const plain = await readArtifact(run, PREDICTIONS_FILE, options);
  if (plain !== undefined) return plain;
  const compressed = await readArtifact(run, SUBSET_FILE, options);
  if (compressed === undefined) throw missing(run, PREDICTIONS_FILE);
  try {
    return gunzipSync(compressed, { maxOutputLength: MAX_ARTIFACT_BYTES });
  } catch (cause) {
    throw new UnpublishableRunError(`${SUBSET_FILE} cannot be decompressed: ${messageOf(cause)}`, {
      where: { file: SUBSET_FILE },
      expected: `gzip of at most ${MAX_ARTIFACT_BYTES} bytes`,
      cause,
    });
  }
}

/** The error for a run that lacks a file which is to be published, with what to do about it. */
export function missing(run: SourceRun, file: string): UnpublishableRunError {
  const interrupted = run.files.has(CHECKPOINT_FILE) && !run.files.has(MANIFEST_FILE);
  const predictions = file === PREDICTIONS_FILE ? ', or publish the run without its predictions' : '';
  return new UnpublishableRunError(`${file} is missing`, {
    where: { file: `${run.uri}/${file}` },
    expected: `${MANIFEST_FILE} and ${METRICS_FILE}; where predictions are asked for, ${PREDICTIONS_FILE} too`,
    remedy: interrupted ? 'the run was interrupted: resume it first' : `put it back${predictions}`,
  });
}

function tooLarge(file: string, size: number): UnpublishableRunError {
  return new UnpublishableRunError(`${file} has ${size} bytes`, {
    where: { file },
    expected: `at most ${MAX_ARTIFACT_BYTES} bytes`,
  });
}
