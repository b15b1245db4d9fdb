import { FormatError } from '../errors.ts';
import { corrupt } from '../pickle/errors.ts';
import { Opaque, type PickleValue, Tuple } from '../pickle/values.ts';
import { type DType, itemSize } from '../tensor/dtype.ts';

/** `torch.float16` and the like, as a value in a pickle. */
export class TorchDType extends Opaque {
  readonly label: string;
  readonly dtype: DType;
  constructor(dtype: DType) {
    super();
    this.dtype = dtype;
    this.label = `torch.${dtype}`;
  }
}

/** `torch.device`. */
export class TorchDevice extends Opaque {
  readonly label: string;
  constructor(label: string) {
    super();
    this.label = label;
  }
}

/** A storage class such as `torch.HalfStorage`; `undefined` dtype is `UntypedStorage`, which counts bytes. */
export class StorageType extends Opaque {
  readonly label: string;
  readonly dtype: DType | undefined;
  constructor(label: string, dtype: DType | undefined) {
    super();
    this.label = label;
    this.dtype = dtype;
  }
}

/** The elements behind one or more tensors. `bytes` is little-endian and undefined until the data has been found. */
export class TorchStorage extends Opaque {
  readonly label = 'torch storage';
  readonly key: string;
  readonly dtype: DType | undefined;
  /** In elements (bytes when untyped). */
  readonly numel: number;
  /** Where it lived, e.g. `cpu` or `cuda:0`; the data is the same. */
  readonly location: string;
  bytes: Uint8Array | undefined;

  constructor(key: string, dtype: DType | undefined, numel: number, location: string) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.numel = numel;
    this.location = location;
  }

  get byteLength(): number {
    return this.numel * (this.dtype === undefined ? 1 : itemSize(this.dtype));
  }
}

/**
 * The storage that a persistent id `("storage", type, key, location, numel[, view])` names.
 * @throws FormatError for any other persistent id
 */
export function storageOfId(id: PickleValue, at: number): TorchStorage {
  const items = id instanceof Tuple ? id.items : [];
  const [kind, type, key, location, numel, view = null] = items;
  if (kind !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string') {
    throw corrupt('a persistent id that names no torch storage', at);
  }
  if (typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0) {
    throw corrupt('a torch storage without a size', at);
  }
  if (view !== null) {
    throw new FormatError('UNSUPPORTED', 'a storage that is a view of another one (torch before 0.4)', {
      byteOffset: at,
      remedy: 'load it with torch and save it again',
    });
  }
  return new TorchStorage(key, type.dtype, numel, typeof location === 'string' ? location : 'cpu');
}
