import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '../../../../lake/errors.ts';
import type { CallOptions } from '../../../../lake/store/object-store.ts';
import { UnpublishableRunError } from './errors.ts';
import { reproducibleGzip } from './gzip.ts';
import { MANIFEST_FILE } from './published-tree.ts';
import type { SourceRun } from './source.ts';

const PREDICTIONS_FILE = 'predictions.jsonl';
export const PUBLISHED_PREDICTIONS_FILE = 'predictions_subset.jsonl.gz';

/** What is published of every run. A run without the first two is none; the others are skipped when missing. */
const LIGHTWEIGHT: readonly { readonly file: string; readonly need: 'required' | 'wanted' | 'optional' }[] = [
  { file: MANIFEST_FILE, need: 'required' },
  { file: 'metrics.json', need: 'required' },
  { file: 'summary.md', need: 'wanted' },
  { file: 'summary.json', need: 'optional' },
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
  for (const { file, need } of LIGHTWEIGHT) {
    const bytes = await readArtifact(run, file, options);
    if (bytes !== undefined) files.set(file, { bytes });
    else if (need === 'required') throw missing(run, file);
    else if (need === 'wanted') skipped.push(`${file} (missing)`);
  }
  if (predictions === true) {
    const content = await readPredictions(run, options);
    files.set(PUBLISHED_PREDICTIONS_FILE, {
      bytes: reproducibleGzip(content),
      contentSha256: createHash('sha256').update(content).digest('hex'),
    });
  } else if (predictions !== undefined) {
    skipped.push(`${PUBLISHED_PREDICTIONS_FILE} (skipped: ${predictions.skip})`);
  }
  return { files, skipped };
}

async function readArtifact(
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
  const compressed = await readArtifact(run, PUBLISHED_PREDICTIONS_FILE, options);
  if (compressed === undefined) throw missing(run, PREDICTIONS_FILE);
  try {
    return gunzipSync(compressed, { maxOutputLength: MAX_ARTIFACT_BYTES });
  } catch (cause) {
    throw new UnpublishableRunError(
      `${PUBLISHED_PREDICTIONS_FILE} cannot be decompressed: ${messageOf(cause)}`,
      {
        where: { file: PUBLISHED_PREDICTIONS_FILE },
        expected: `gzip of at most ${MAX_ARTIFACT_BYTES} bytes`,
        cause,
      },
    );
  }
}

function missing(run: SourceRun, file: string): UnpublishableRunError {
  const interrupted = run.files.has('.eval_checkpoint.jsonl')
    ? 'the run was interrupted: resume it first'
    : 'put it back, or publish without it';
  return new UnpublishableRunError(`${file} is missing`, {
    where: { file: `${run.uri}/${file}` },
    expected: `${MANIFEST_FILE} and metrics.json; with compressed predictions ${PREDICTIONS_FILE} too`,
    remedy: interrupted,
  });
}

function tooLarge(file: string, size: number): UnpublishableRunError {
  return new UnpublishableRunError(`${file} has ${size} bytes`, {
    where: { file },
    expected: `at most ${MAX_ARTIFACT_BYTES} bytes`,
  });
}
