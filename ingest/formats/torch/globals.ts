import { FormatError } from '../errors.ts';
import { corrupt } from '../pickle/errors.ts';
import { type Builder, type GlobalTable, globalTable, mergeTables } from '../pickle/globals.ts';
import { shapeOf } from '../pickle/numpy.ts';
import { defaultGlobals } from '../pickle/unpickle.ts';
import { type Opaque, type PickleValue, Tuple } from '../pickle/values.ts';
import type { DType } from '../tensor/dtype.ts';
import { itemSize } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { StorageType, TorchDevice, TorchDType, TorchStorage } from './storage.ts';

const storages: Readonly<Record<string, DType>> = {
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  CharStorage: 'int8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** Names of dtypes in torch, with their aliases. */
const dtypes: Readonly<Record<string, DType>> = {
  float16: 'float16',
  half: 'float16',
  bfloat16: 'bfloat16',
  float32: 'float32',
  float: 'float32',
  float64: 'float64',
  double: 'float64',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  bool: 'bool',
};

/** Stands in for tensors while storages are still to be found (the first of two passes). */
export const unresolved = new TorchDevice('meta');

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; offset and strides in elements. */
const rebuildTensor: Builder = ([storage, offset, size, stride], context) => {
  if (!(storage instanceof TorchStorage)) throw corrupt('a tensor without a storage', context.at);
  if (storage.dtype === undefined) {
    throw new FormatError('UNSUPPORTED', 'a tensor over an untyped storage', { byteOffset: context.at });
  }
  return tensorOf(
    storage,
    storage.dtype,
    offset,
    shapeOf(size, context),
    shapeOf(stride, context),
    context.at,
  );
};

/** `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype)`: dtypes without a storage class. */
const rebuildTensorV3: Builder = ([storage, offset, size, stride, , , dtype], context) => {
  if (!(storage instanceof TorchStorage && dtype instanceof TorchDType)) {
    throw corrupt('a tensor without a storage or a dtype', context.at);
  }
  return tensorOf(storage, dtype.dtype, offset, shapeOf(size, context), shapeOf(stride, context), context.at);
};

function tensorOf(
  storage: TorchStorage,
  dtype: DType,
  offset: PickleValue | undefined,
  shape: readonly number[],
  strides: readonly number[],
  at: number,
): Tensor | Opaque {
  if (typeof offset !== 'number') throw corrupt('a tensor without an offset', at);
  if (storage.bytes === undefined) return unresolved;
  return new Tensor({ dtype, data: storage.bytes, offset, shape, strides });
}

const rebuildParameter: Builder = ([data], { at }) => {
  if (data instanceof Tensor || data === unresolved) return data;
  throw corrupt('a parameter that is no tensor', at);
};

const device: Builder = ([type, index], { at }) => {
  if (typeof type !== 'string') throw corrupt('a device without a name', at);
  return new TorchDevice(typeof index === 'number' ? `${type}:${index}` : type);
};

const size: Builder = ([items], context) => new Tuple(shapeOf(items, context));

const classes = {
  ...Object.fromEntries(
    Object.entries(storages).map(([name, dtype]) => [name, new StorageType(`torch.${name}`, dtype)]),
  ),
  ...Object.fromEntries(Object.entries(dtypes).map(([name, dtype]) => [name, new TorchDType(dtype)])),
};

/** Everything but `torch.storage._load_from_bytes`, which needs the reader of the legacy stream. */
export const tensorGlobals: GlobalTable = mergeTables(
  defaultGlobals,
  globalTable({
    torch: {
      ...classes,
      device,
      Size: size,
      UntypedStorage: new StorageType('torch.UntypedStorage', undefined),
    },
    'torch.storage': { UntypedStorage: new StorageType('torch.storage.UntypedStorage', undefined) },
    // On a GPU machine the class of a legacy storage lives in another module.
    'torch.cuda': classes,
    'torch._utils': {
      _rebuild_tensor: rebuildTensor,
      _rebuild_tensor_v2: rebuildTensor,
      _rebuild_tensor_v3: rebuildTensorV3,
      _rebuild_parameter: rebuildParameter,
    },
  }),
);

/** Checks that found data has the size its storage declares. */
export function attach(storage: TorchStorage, bytes: Uint8Array): void {
  const expected = storage.byteLength;
  if (bytes.length !== expected) {
    throw new FormatError(
      'TORCH_CORRUPT',
      `storage ${storage.key} has ${bytes.length} bytes instead of ${expected}`,
      { expected: `${storage.numel} elements of ${itemSize(storage.dtype ?? 'uint8')} bytes` },
    );
  }
  storage.bytes = bytes;
}
