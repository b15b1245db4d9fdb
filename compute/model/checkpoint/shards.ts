import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { fileSource } from '../../../ingest/formats/bytes/file-source.ts';
import { hasErrno } from '../../../lake/errors.ts';
import { CheckpointError } from '../errors.ts';
import { readJsonFile } from './json-file.ts';
import { readSafetensorsHeader, type StoredTensor } from './safetensors.ts';

/** A weight file. */
export interface Shard {
  /** Its name in the checkpoint directory. */
  readonly name: string;
  /** The real path: links resolved, because ONNX Runtime refuses weights behind links that leave their folder. */
  readonly path: string;
  readonly size: number;
  readonly tensors: readonly StoredTensor[];
}

const MAX_SHARDS = 10_000;
const plainName = z
  .string()
  .refine(
    (name) => name === basename(name) && name.endsWith('.safetensors'),
    'a file name ending in .safetensors',
  );
const indexSchema = z.looseObject({ weight_map: z.record(z.string(), plainName) });

/**
 * The weight files of a checkpoint directory: `model.safetensors`, or those that `model.safetensors.index.json` names.
 * @throws CheckpointError a file is missing, or a tensor is not in the shard that the index names
 */
export async function readShards(directory: string, signal?: AbortSignal): Promise<Shard[]> {
  const single = await openShard(directory, 'model.safetensors', signal);
  if (single !== undefined) return [single];
  const indexName = 'model.safetensors.index.json';
  const index = await readJsonFile(join(directory, indexName), indexSchema, signal);
  if (index === undefined) {
    throw new CheckpointError(`${directory} has no weights`, {
      expected: `model.safetensors or ${indexName}`,
      remedy: 'save the model with save_pretrained(…, safe_serialization=True)',
    });
  }
  const names = [...new Set(Object.values(index.weight_map))].sort();
  if (names.length > MAX_SHARDS) throw new CheckpointError(`${indexName} names ${names.length} files`);
  const shards: Shard[] = [];
  for (const name of names) {
    const shard = await openShard(directory, name, signal);
    if (shard === undefined) {
      throw new CheckpointError(`${directory} lacks ${name}`, {
        where: { file: name },
        expected: `every file of ${indexName}`,
      });
    }
    shards.push(shard);
  }
  checkIndex(index.weight_map, shards, indexName);
  return shards;
}

function checkIndex(
  weightMap: Readonly<Record<string, string>>,
  shards: readonly Shard[],
  indexName: string,
) {
  const holder = new Map<string, string>();
  for (const { name, tensors } of shards) for (const tensor of tensors) holder.set(tensor.name, name);
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (holder.get(tensor) === shard) continue;
    throw new CheckpointError(`${shard} has no tensor ${tensor}`, {
      where: { file: indexName },
      expected: 'every tensor in the file that the index names',
    });
  }
}

async function openShard(directory: string, name: string, signal?: AbortSignal): Promise<Shard | undefined> {
  let path: string;
  try {
    path = await realpath(join(directory, name));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw new CheckpointError(`cannot open ${name} in ${directory}`, { where: { file: name }, cause: error });
  }
  const info = await stat(path);
  if (!info.isFile())
    throw new CheckpointError(`${name} in ${directory} is no file`, { where: { file: name } });
  const source = fileSource(path, info.size, name);
  try {
    return { name, path, size: info.size, tensors: await readSafetensorsHeader(source, signal) };
  } finally {
    await source.close();
  }
}

/**
 * The deepest real folder that holds all paths. ONNX Runtime resolves external data below one folder and refuses
 * what leaves it.
 * @throws CheckpointError when only the file system's root holds them all
 */
export function commonFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => dirname(path).split(sep));
  const first = folders[0] ?? [];
  let depth = 0;
  while (depth < first.length && folders.every((parts) => parts[depth] === first[depth])) depth++;
  if (depth <= 1) {
    throw new CheckpointError(`the weight files have no folder in common: ${paths.join(', ')}`, {
      remedy: 'keep the files of one checkpoint below one folder',
    });
  }
  return first.slice(0, depth).join(sep);
}

/** `path` relative to `folder` in the notation of ONNX external data. */
export function externalLocation(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}
