import type { z } from 'zod';
import {
  CANONICAL_SELECTOR,
  FREEZE_MANIFEST,
  selectorSchema,
} from '../../../../ingest/contracts/chaosbench/dataset.ts';
import { isJsonObject } from '../../../../ingest/contracts/json-value.ts';
import {
  datasetFingerprint,
  type FingerprintFile,
  fingerprintFile,
} from '../../../../ingest/families/chaosbench/policy/index.ts';
import type { SourceTree } from '../../../../ingest/family.ts';
import { readJsonl } from '../../../../ingest/formats/json/jsonl.ts';
import { openTree, placeOf } from '../../../../ingest/pipeline/tree.ts';
import { messageOf } from '../../../../lake/errors.ts';
import { keyProblem } from '../../../../lake/store/keys.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import type { TaskServices } from '../../task.ts';
import { BadItem, type Item, itemOf } from './item.ts';

/** Items are held in memory. */
const MAX_BYTES = 2 ** 30;

/** A dataset as it was found. */
export interface Dataset {
  /** What a manifest names as its selector: the benchmark's, or the name of a file that was evaluated alone. */
  readonly selector: string;
  readonly sha256: string;
  readonly files: readonly FingerprintFile[];
  /** In the order of the selector's files and their lines. */
  readonly items: readonly Item[];
  /** The project that it is the canonical dataset of. */
  readonly project: Project | undefined;
}

/** A directory with the benchmark's selector. */
export interface Project {
  readonly tree: SourceTree;
  /** Its texts that say what an official run is. */
  readonly selector: string;
  readonly freeze: string | undefined;
}

/**
 * Reads the dataset of a project, or a file of items.
 * @param address a directory or a file: a path on the worker, a key in the store, or an address such as s3://bucket/key
 * @throws PermanentTaskError for one that is not there, or has an item that cannot be asked: before anything is asked
 */
export async function readDataset(
  address: string,
  services: Pick<TaskServices, 'store' | 'env'>,
  signal: AbortSignal,
): Promise<Dataset> {
  for (const tree of await treesAt(address, services)) {
    const selector = await textIn(tree, CANONICAL_SELECTOR, signal);
    if (selector !== undefined) return canonicalDataset(tree, selector, signal);
    const { store, prefix } = tree;
    if (prefix !== '' && (await store.head(prefix, { signal })) !== undefined) {
      const name = prefix.slice(prefix.lastIndexOf('/') + 1);
      return datasetOf(name, [[name, prefix]], tree, undefined, signal);
    }
  }
  throw new PermanentTaskError(
    'NO_DATASET',
    `there is no dataset at ${address}; expected a file of items (JSON lines), or a directory with ${CANONICAL_SELECTOR}`,
  );
}

/** Where an address may lead: to a place of its own, or to a key of the store. */
async function treesAt(address: string, { store, env }: Pick<TaskServices, 'store' | 'env'>) {
  const prefix = address.replace(/\/+$/, '');
  const trees: SourceTree[] = keyProblem(prefix) === undefined ? [{ store, prefix }] : [];
  return [await openTree(address, env), ...trees];
}

function keyIn({ prefix }: SourceTree, path: string): string {
  return prefix === '' ? path : `${prefix}/${path}`;
}

/** The text of a file of a tree; undefined when there is none. */
export async function textIn(
  tree: SourceTree,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const key = keyIn(tree, path);
  const info = await tree.store.head(key, { signal });
  if (info === undefined) return undefined;
  return Buffer.from(await bytesOf(tree, key, signal)).toString('utf8');
}

async function bytesOf(tree: SourceTree, key: string, signal: AbortSignal): Promise<Uint8Array> {
  const info = await tree.store.head(key, { signal });
  if (info === undefined) throw badDataset(tree, key, 'it is missing; the selector lists it');
  if (info.size > MAX_BYTES) throw badDataset(tree, key, `${info.size} bytes; expected at most ${MAX_BYTES}`);
  return tree.store.get(key, { signal });
}

function badDataset(tree: SourceTree, key: string, message: string, line?: number): PermanentTaskError {
  const place = `${placeOf(tree, key)}${line === undefined ? '' : `:${line}`}`;
  return new PermanentTaskError('BAD_DATASET', `${place}: ${message}`);
}

async function canonicalDataset(tree: SourceTree, selector: string, signal: AbortSignal): Promise<Dataset> {
  const { files } = parsed(selectorSchema, selector, tree, CANONICAL_SELECTOR);
  const leading = files.find((path) => path.split('/').some((part) => ['', '.', '..'].includes(part)));
  if (leading !== undefined)
    throw badDataset(tree, keyIn(tree, CANONICAL_SELECTOR), `${leading} leads out of the project`);
  const freeze = await textIn(tree, FREEZE_MANIFEST, signal);
  const keys = files.map((path) => [path, keyIn(tree, path)] as const);
  return datasetOf(CANONICAL_SELECTOR, keys, tree, { tree, selector, freeze }, signal);
}

function parsed<T>(schema: z.ZodType<T>, text: string, tree: SourceTree, path: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw badDataset(tree, keyIn(tree, path), messageOf(error).replace(/\s+/g, ' '));
  }
}

async function datasetOf(
  selector: string,
  paths: readonly (readonly [path: string, key: string])[],
  tree: SourceTree,
  project: Project | undefined,
  signal: AbortSignal,
): Promise<Dataset> {
  const files: FingerprintFile[] = [];
  const items: Item[] = [];
  const places = new Map<string, string>();
  for (const [path, key] of paths) {
    const bytes = await bytesOf(tree, key, signal);
    files.push(await fingerprintFile(path, [bytes]));
    for await (const lines of readJsonl([bytes], { signal })) {
      for (const { line, ...read } of lines) {
        if (read.error !== undefined) throw badDataset(tree, key, read.error.message, line);
        const { value } = read;
        if (!isJsonObject(value)) throw badDataset(tree, key, 'expected an object', line);
        const item = checked(() => itemOf(value), tree, key, line);
        const before = places.get(item.id);
        if (before !== undefined)
          throw badDataset(
            tree,
            key,
            `the id ${item.id} is in ${before} already; expected every id once`,
            line,
          );
        places.set(item.id, `${path}:${line}`);
        items.push(item);
      }
    }
  }
  return { selector, sha256: datasetFingerprint(files), files, items, project };
}

function checked<T>(read: () => T, tree: SourceTree, key: string, line: number): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadItem) throw badDataset(tree, key, error.message, line);
    throw error;
  }
}
