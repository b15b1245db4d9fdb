import { FormatError } from '../errors.ts';
import { type Builder, type GlobalTable, globalTable, mergeTables } from '../pickle/globals.ts';
import { type UnpickleOptions, unpickleAt } from '../pickle/unpickle.ts';
import { isList, type PickleValue } from '../pickle/values.ts';
import { attach, tensorGlobals } from './globals.ts';
import { storageOfId, TorchStorage } from './storage.ts';

/** The first pickle of a legacy stream: the integer 0x1950a86a20f9469cfc6c with protocol 2. */
const magic = Uint8Array.of(
  0x80,
  2,
  0x8a,
  10,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
  0x2e,
);
const protocolVersion = 1001;

/** Whether a file begins as `torch.save` began it before version 1.6. */
export function isLegacyTorch(bytes: Uint8Array): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

/**
 * A stream of `torch.save` before version 1.6 (and of pickled storages ever since): five pickles (magic, protocol,
 * system, object, storage keys), then for each key an int64 element count and the raw elements.
 * Storages are views of `bytes`.
 * @throws FormatError `TORCH_CORRUPT` | `UNSUPPORTED` | `TRUNCATED` and those of `unpickle`
 */
export function readLegacyTorch(bytes: Uint8Array, options: UnpickleOptions = {}): PickleValue {
  const start = checkPreamble(bytes, options);
  const storages = new Map<string, TorchStorage>();
  const persistentLoad = (id: PickleValue, at: number) => {
    const named = storageOfId(id, at);
    const known = storages.get(named.key);
    if (known === undefined) storages.set(named.key, named);
    else if (known.numel !== named.numel || known.dtype !== named.dtype) {
      throw damaged(`storage ${named.key} is declared twice, differently`, at);
    }
    return known ?? named;
  };
  // No nested streams inside a stream: torch does not write them, and they could be nested without end.
  const inner = { ...options, globals: tensorGlobals, persistentLoad };
  const object = unpickleAt(bytes, start, inner);
  const keys = unpickleAt(bytes, object.end, options);
  attachStorages(bytes, keys.end, keys.value, storages);
  // The data comes last, so tensors can be made only now. A bare storage (a pickled tensor's) is complete already.
  if (object.value instanceof TorchStorage) return object.value;
  return unpickleAt(bytes, start, inner).value;
}

/** The preamble that was checked last. All streams of one torch begin alike, and a store has millions of them. */
let checkedPreamble = new Uint8Array(0);

/** Checks the first three pickles; says where the fourth begins. */
function checkPreamble(bytes: Uint8Array, options: UnpickleOptions): number {
  const known = checkedPreamble;
  if (known.length > 0 && Buffer.compare(known, bytes.subarray(0, known.length)) === 0) return known.length;
  if (!isLegacyTorch(bytes))
    throw damaged('the stream does not begin with the magic number of torch.save', 0);
  const version = unpickleAt(bytes, magic.length, options);
  if (version.value !== protocolVersion) {
    throw new FormatError('UNSUPPORTED', `protocol ${String(version.value)} of torch.save`, {
      expected: String(protocolVersion),
    });
  }
  const system = unpickleAt(bytes, version.end, options);
  if (!(system.value instanceof Map))
    throw damaged('the stream does not say how it was written', version.end);
  if (system.value.get('little_endian') === false) throw bigEndian();
  if (system.end <= 256) checkedPreamble = bytes.slice(0, system.end);
  return system.end;
}

function attachStorages(
  bytes: Uint8Array,
  start: number,
  keys: PickleValue,
  storages: ReadonlyMap<string, TorchStorage>,
): void {
  if (!isList(keys)) throw damaged('the list of storages is no list', start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || storage.bytes !== undefined) {
      throw damaged(`storage ${String(key)} is listed but not used exactly once`, at);
    }
    if (at + 8 > bytes.length) throw truncated(bytes.length, at + 8);
    const count = view.getBigInt64(at, true);
    if (count !== BigInt(storage.numel)) {
      throw damaged(`storage ${storage.key} holds ${count} elements instead of ${storage.numel}`, at);
    }
    const end = at + 8 + storage.byteLength;
    if (end > bytes.length) throw truncated(bytes.length, end);
    attach(storage, bytes.subarray(at + 8, end));
    at = end;
  }
  for (const storage of storages.values()) {
    if (storage.bytes === undefined) throw damaged(`storage ${storage.key} has no data`, at);
  }
}

const damaged = (message: string, byteOffset: number) =>
  new FormatError('TORCH_CORRUPT', `${message} (torch stream, byte ${byteOffset})`, { byteOffset });

const truncated = (size: number, needed: number) =>
  new FormatError('TRUNCATED', `the torch stream has ${size} bytes but needs ${needed}`, {
    byteOffset: size,
    remedy: 'the file was probably cut off while it was written or transferred',
  });

export const bigEndian = () =>
  new FormatError('UNSUPPORTED', 'tensors saved on a big-endian machine', {
    expected: 'little-endian data',
    remedy: 'load and save the file again on a little-endian machine',
  });

/** `torch.storage._load_from_bytes(bytes)`: how a tensor inside an ordinary pickle carries its storage. */
const loadFromBytes: Builder = ([blob], context) => {
  if (!(blob instanceof Uint8Array)) throw damaged('a storage without bytes', context.at);
  // The same few bytes can be asked for again and again, so the inner reader's work counts, too.
  context.charge(2_048 + 4 * blob.length);
  const storage = readLegacyTorch(blob, { allowance: 16_384 + 4 * blob.length });
  if (!(storage instanceof TorchStorage)) throw damaged('a stream that holds no storage', context.at);
  return storage;
};

/** Plain containers, numpy arrays and torch tensors: what `unpickle` needs for the values of HalluLens stores. */
export const torchGlobals: GlobalTable = mergeTables(
  tensorGlobals,
  globalTable({ 'torch.storage': { _load_from_bytes: loadFromBytes } }),
);
