import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RunlakeError } from '../../lake/errors.ts';
import { ConfinedStore } from '../../lake/store/confined-store.ts';
import { openStore, parseStoreUri } from '../../lake/store/open-store.ts';
import type { SourceTree } from '../family.ts';

/** What was named to be ingested is no directory. Of a bucket nobody can tell: there it is a tree without runs. */
export class SourceNotFoundError extends RunlakeError {
  readonly code = 'SOURCE_NOT_FOUND';
}

/**
 * The tree that a user named: `s3://bucket/prefix`, `file:PATH` or a path. The store is rooted at the bucket or at the
 * root of the file system, because a run may refer to a store beside the directory that was named.
 * @param within nothing outside this place exists, a directory above `uri` or a prefix of its bucket
 */
export async function openTree(
  uri: string,
  env: NodeJS.ProcessEnv = process.env,
  within?: string,
): Promise<SourceTree> {
  const tree = await wholeTree(uri, env);
  if (within === undefined) return tree;
  return { ...tree, store: new ConfinedStore(tree.store, (await wholeTree(within, env)).prefix) };
}

async function wholeTree(uri: string, env: NodeJS.ProcessEnv): Promise<SourceTree> {
  const address = parseStoreUri(uri);
  if (address.kind === 's3') {
    return { store: await openStore(`s3://${address.bucket}`, { env }), prefix: address.prefix };
  }
  return { store: await openStore('/', { env }), prefix: resolve(address.path).slice(1) };
}

/** @throws SourceNotFoundError */
export async function expectDirectory(uri: string): Promise<void> {
  const address = parseStoreUri(uri);
  if (address.kind === 's3') return;
  const found = await stat(address.path).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new SourceNotFoundError(`${uri} is ${found === undefined ? 'not there' : 'no directory'}`, {
    expected: 'a directory with runs below it, or s3://bucket/prefix',
  });
}

/** The URI of a key of a tree, for `source_uri`. */
export function uriOf(tree: SourceTree, key: string): string {
  return `${tree.store.uri.replace(/\/+$/, '')}/${key}`;
}

/** Where a key of a tree is, as a person would write it: a path, or a URI of the bucket. */
export function placeOf(tree: SourceTree, key: string): string {
  return uriOf(tree, key).replace(/^file:/, '');
}
