import { isJsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import { type ByteSource, memorySource } from '../../../formats/bytes/byte-source.ts';
import { FormatError } from '../../../formats/errors.ts';
import { readNpyHeader } from '../../../formats/npy/header.ts';
import { openNpy, readNpyObjects } from '../../../formats/npy/npy.ts';
import { Tensor } from '../../../formats/tensor/tensor.ts';
import { torchGlobals } from '../../../formats/torch/legacy.ts';
import { toLayers } from './lmdb-value.ts';

/** The layers of one entry, read one at a time. */
export interface EntryLayers {
  readonly count: number;
  /** Shape of a layer; undefined when it was not recorded. */
  shape(index: number): readonly number[] | undefined;
  read(index: number, signal?: AbortSignal): Promise<Tensor | undefined>;
  close(): Promise<void>;
}

/** Files up to this size are read at once: one request instead of one a layer. */
const WHOLE_BYTES = 16 * 1024 * 1024;

/**
 * The layers in an `.npy` file: one array (layers, 1, tokens, hidden) read by ranges, or with old numpy and half of
 * the layers an array of pickled objects.
 */
export async function openNpyLayers(source: ByteSource, signal?: AbortSignal): Promise<EntryLayers> {
  try {
    return { ...(await readNpyLayers(source, signal)), close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readNpyLayers(source: ByteSource, signal?: AbortSignal): Promise<Omit<EntryLayers, 'close'>> {
  const whole =
    source.size <= WHOLE_BYTES
      ? memorySource(await source.read(0, source.size, signal), source.name)
      : source;
  const header = await readNpyHeader(whole, signal);
  if (header.type.kind === 'object') {
    return ofTensors(toLayers(await readNpyObjects(whole, { globals: torchGlobals }, signal)));
  }
  const array = await openNpy(whole, signal);
  const { shape } = array;
  if (shape.length < 3) {
    throw new FormatError('UNSUPPORTED', `${source.name}: activations of shape (${shape.join(', ')})`, {
      expected: '(layers, 1, tokens, hidden)',
    });
  }
  return {
    count: shape[0]!,
    shape: () => shape.slice(1),
    read: async (index, readSignal) =>
      index < shape[0]! ? array.readAt([index], readSignal ?? signal) : undefined,
  };
}

function ofTensors(layers: readonly (Tensor | null)[]): Omit<EntryLayers, 'close'> {
  return {
    count: layers.length,
    shape: (index) => layers[index]?.shape,
    read: async (index) => layers[index] ?? undefined,
  };
}

/** The layers that the oldest loggers wrote into the JSON file itself, as nested lists. */
export function jsonTensorLayers(items: readonly JsonValue[]): EntryLayers {
  return { ...ofTensors(items.map(jsonTensor)), close: async () => {} };
}

function jsonTensor(item: JsonValue): Tensor | null {
  if (item === null) return null;
  const shape = isJsonObject(item) ? item['shape'] : undefined;
  const data = isJsonObject(item) ? item['data'] : undefined;
  if (!Array.isArray(shape) || !shape.every((extent) => typeof extent === 'number') || data === undefined) {
    throw new FormatError('UNSUPPORTED', 'a layer that is no tensor');
  }
  const values: number[] = [];
  const pending: JsonValue[] = [data];
  while (pending.length > 0) {
    const next = pending.pop()!;
    if (Array.isArray(next)) for (let i = next.length - 1; i >= 0; i--) pending.push(next[i]!);
    else if (typeof next === 'number') values.push(next);
    else throw new FormatError('UNSUPPORTED', 'a tensor with elements that are no numbers');
  }
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return new Tensor({ dtype: 'float32', shape: shape as number[], data: bytes });
}
