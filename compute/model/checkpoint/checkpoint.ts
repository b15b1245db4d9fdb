import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fileSource } from '../../../ingest/formats/bytes/file-source.ts';
import { Tensor } from '../../../ingest/formats/tensor/tensor.ts';
import { CheckpointError } from '../errors.ts';
import { type WeightType, weightTypes } from './dtype.ts';
import { readJsonFile } from './json-file.ts';
import { commonFolder, externalLocation, readShards, type Shard } from './shards.ts';

/** A weight of a checkpoint: what it is and where its bytes lie. Reading a checkpoint reads none of them. */
export interface Weight {
  readonly name: string;
  readonly dtype: WeightType;
  readonly shape: readonly number[];
  readonly shard: Shard;
  /** Bytes of the shard's file. */
  readonly offset: number;
  readonly length: number;
  /** The file relative to `Checkpoint.folder`, as ONNX external data names it. */
  readonly location: string;
}

/** A Hugging Face checkpoint directory. */
export interface Checkpoint {
  /** The real path of the directory. */
  readonly directory: string;
  /** `config.json` as it stands. */
  readonly config: ModelConfig;
  /** The real folder below which all weight files lie. */
  readonly folder: string;
  readonly shards: readonly Shard[];
  readonly weights: ReadonlyMap<string, Weight>;
}

/** `config.json`: only the type is common to all; the architectures check the rest. */
const modelConfigSchema = z.looseObject({ model_type: z.string() });
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/**
 * Opens a checkpoint directory: `config.json` and the headers of its safetensors files, single or sharded, also when
 * they are links as in the hub's cache. Tensors of other types than F32, F16 and BF16 are left out: none is a weight
 * of the architectures here (old checkpoints hold boolean masks).
 * @throws CheckpointError
 */
export async function openCheckpoint(path: string, signal?: AbortSignal): Promise<Checkpoint> {
  let directory: string;
  try {
    directory = await realpath(path);
  } catch (error) {
    throw new CheckpointError(`there is no checkpoint at ${path}`, {
      expected: 'a directory with config.json and *.safetensors',
      cause: error,
    });
  }
  const config = await readJsonFile(join(directory, 'config.json'), modelConfigSchema, signal);
  if (config === undefined) {
    throw new CheckpointError(`${path} has no config.json`, { where: { file: 'config.json' } });
  }
  const shards = await readShards(directory, signal);
  const folder = commonFolder(shards.map((shard) => shard.path));
  const weights = new Map<string, Weight>();
  for (const shard of shards) {
    const location = externalLocation(folder, shard.path);
    for (const { name, type, shape, start, end } of shard.tensors) {
      if (weights.has(name)) {
        throw new CheckpointError(
          `tensor ${name} is in ${weights.get(name)?.shard.name} and in ${shard.name}`,
          {
            where: { file: shard.name },
          },
        );
      }
      if (!isWeightType(type)) continue;
      const { dtype } = weightTypes[type];
      weights.set(name, { name, dtype, shape, shard, offset: start, length: end - start, location });
    }
  }
  return Object.freeze({ directory, config, folder, shards, weights });
}

function isWeightType(type: string): type is keyof typeof weightTypes {
  return Object.hasOwn(weightTypes, type);
}

/** Reads one weight into memory. @throws CheckpointError when the checkpoint has none of this name */
export async function readWeight(
  checkpoint: Checkpoint,
  name: string,
  signal?: AbortSignal,
): Promise<Tensor> {
  const weight = checkpoint.weights.get(name);
  if (weight === undefined) throw new CheckpointError(`${checkpoint.directory} has no tensor ${name}`);
  const source = fileSource(weight.shard.path, weight.shard.size, weight.shard.name);
  try {
    const data = await source.read(weight.offset, weight.offset + weight.length, signal);
    return new Tensor({ dtype: weight.dtype, shape: weight.shape, data });
  } finally {
    await source.close();
  }
}

/** Some rows of a weight, without reading the others. @param rows of its first dimension */
export async function readWeightRows(
  checkpoint: Checkpoint,
  name: string,
  rows: readonly number[],
  signal?: AbortSignal,
): Promise<Tensor[]> {
  const weight = checkpoint.weights.get(name);
  if (weight === undefined) throw new CheckpointError(`${checkpoint.directory} has no tensor ${name}`);
  const [count = 1, ...shape] = weight.shape;
  const size = weight.length / count;
  const source = fileSource(weight.shard.path, weight.shard.size, weight.shard.name);
  try {
    const found: Tensor[] = [];
    for (const row of rows) {
      const from = weight.offset + row * size;
      found.push(
        new Tensor({ dtype: weight.dtype, shape, data: await source.read(from, from + size, signal) }),
      );
    }
    return found;
  } finally {
    await source.close();
  }
}

/**
 * The identity of a model: SHA-256 over `config.json` and every weight file, each with its name and its own digest.
 * Reads all bytes, so call it once, at registration.
 */
export async function hashCheckpoint(checkpoint: Checkpoint, signal?: AbortSignal): Promise<string> {
  const whole = createHash('sha256');
  const files = [
    { name: 'config.json', path: join(checkpoint.directory, 'config.json') },
    ...checkpoint.shards.map(({ name, path }) => ({ name, path })),
  ];
  for (const { name, path } of files) {
    const digest = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }))
      digest.update(chunk);
    whole.update(`${name}\0${digest.digest('hex')}\n`);
  }
  return whole.digest('hex');
}
