import { FormatError } from '../../../formats/errors.ts';
import { isList, ObjectArray, type PickleValue, Tuple } from '../../../formats/pickle/values.ts';
import { isDType, itemSize } from '../../../formats/tensor/dtype.ts';
import { elementCount, Tensor } from '../../../formats/tensor/tensor.ts';
import { unpickleWithTensors } from '../../../formats/torch/read-torch.ts';
import { decompressZstd } from '../../../formats/zstd/decompress.ts';
import { isDict, type PickleDict } from './pickle-json.ts';

/** One decoded value of the data environment. */
export interface DecodedValue {
  readonly entry: PickleDict;
  /** One a stored layer; null where the layer was not recorded. Empty when there are no activations. */
  readonly layers: readonly (Tensor | null)[];
}

const MAX_LAYER_BYTES = 2 ** 32;

/**
 * Decodes a value of the data environment. The codec is what the value says, not what a configuration claims:
 * `{"data", "metadata"}` with or without zstd, and the bare dicts of the first loggers.
 * @throws FormatError
 */
export function decodeLmdbValue(bytes: Uint8Array): DecodedValue {
  const root = unpickleWithTensors(bytes);
  if (!isDict(root)) throw new FormatError('UNSUPPORTED', 'the value is no dict');
  const wrapped = root.get('data');
  const entry = isDict(wrapped) && root.has('metadata') ? wrapped : root;
  const compression = entry === root ? undefined : root.get('metadata');
  const stored = entry.get('all_layers_activations') ?? entry.get('activations');
  if (stored === undefined || stored === null) return { entry, layers: [] };
  if (stored instanceof Uint8Array) return { entry, layers: inflate(stored, compression) };
  return { entry, layers: toLayers(stored) };
}

function inflate(frame: Uint8Array, compression: PickleValue | undefined): (Tensor | null)[] {
  const metadata = isDict(compression) ? compression : undefined;
  const codec = metadata?.get('compression');
  if (codec !== 'zstd') throw new FormatError('UNSUPPORTED', `activations compressed with ${String(codec)}`);
  const layout = metadata?.get('tensor_metadata');
  const original = metadata?.get('original_size');
  const limit = typeof original === 'number' ? original : MAX_LAYER_BYTES;
  const bytes = decompressZstd(frame, Math.min(limit, MAX_LAYER_BYTES));
  // For a few commits in May 2025 the frame held a pickle of the list of tensors.
  if (layout === undefined || layout === null) return toLayers(unpickleWithTensors(bytes));
  if (!isList(layout)) throw new FormatError('UNSUPPORTED', 'tensor_metadata is no list');
  const layers: Tensor[] = [];
  let offset = 0;
  for (const item of layout) {
    const { shape, dtype } = tensorLayout(item);
    const length = elementCount(shape) * itemSize(dtype);
    layers.push(new Tensor({ dtype, shape, data: bytes.subarray(offset, offset + length) }));
    offset += length;
  }
  return layers;
}

function tensorLayout(value: PickleValue) {
  const shape = isDict(value) ? value.get('shape') : undefined;
  const dtype = isDict(value) ? value.get('dtype') : undefined;
  const extents =
    shape instanceof Tuple ? shape.items : isList(shape ?? null) ? (shape as PickleValue[]) : [];
  const name = typeof dtype === 'string' ? dtype.replace(/^torch\./, '') : '';
  if (extents.length === 0 || !extents.every((extent) => typeof extent === 'number') || !isDType(name)) {
    throw new FormatError('UNSUPPORTED', 'tensor_metadata without shape or dtype');
  }
  return { shape: extents as number[], dtype: name };
}

/** The layers of whatever holds them: a list of tensors, or one stacked array (layers, [1,] tokens, hidden). */
export function toLayers(value: PickleValue): (Tensor | null)[] {
  if (value instanceof ObjectArray) return value.items.map(layerOrNull);
  if (value instanceof Tuple) return value.items.map(layerOrNull);
  if (isList(value)) return value.map(layerOrNull);
  if (!(value instanceof Tensor)) throw new FormatError('UNSUPPORTED', 'activations that are no tensors');
  const { shape } = value;
  if (shape.length === 4 || (shape.length === 3 && shape[0] !== 1)) return [...value.rows()];
  return [value];
}

function layerOrNull(value: PickleValue): Tensor | null {
  if (value === null || value instanceof Tensor) return value;
  throw new FormatError('UNSUPPORTED', 'a layer that is no tensor');
}
