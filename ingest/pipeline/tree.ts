import { resolve } from 'node:path';
import { openStore } from '../../lake/store/open-store.ts';
import type { SourceTree } from '../family.ts';

/**
 * The tree that a user named: `s3://bucket/prefix`, `file:PATH` or a path. The store is rooted at the bucket or at the
 * root of the file system, because a run may refer to a store beside the directory that was named.
 */
export function openTree(uri: string, env: NodeJS.ProcessEnv = process.env): SourceTree {
  const s3 = /^s3:\/\/([^/]+)\/*(.*)$/.exec(uri);
  if (s3 !== null)
    return { store: openStore(`s3://${s3[1]}`, { env }), prefix: (s3[2] ?? '').replace(/\/+$/, '') };
  const path = resolve(uri.replace(/^file:(\/\/)?/, ''));
  return { store: openStore('file:/', { env }), prefix: path.replace(/^\/+/, '') };
}

/** The URI of a key of a tree, for `source_uri`. */
export function uriOf(tree: SourceTree, key: string): string {
  return `${tree.store.uri.replace(/\/+$/, '')}/${key}`;
}
