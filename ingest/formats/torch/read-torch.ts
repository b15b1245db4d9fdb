import { type ByteSource, memorySource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { type UnpickleOptions, unpickle } from '../pickle/unpickle.ts';
import type { PickleValue } from '../pickle/values.ts';
import { attach, tensorGlobals } from './globals.ts';
import { bigEndian, isLegacyTorch, readLegacyTorch, torchGlobals } from './legacy.ts';
import { storageOfId, type TorchStorage } from './storage.ts';
import { openZip, readZipEntry, type ZipEntry } from './zip.ts';

export interface ReadTorchOptions {
  /** Largest sum of the storages (and of a legacy file) in bytes. Default 2 GiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * The object of a `torch.save` file, either format: plain containers with `Tensor`s, which keep stride and offset
 * and share their storages. Reads a zip archive by ranges. Nothing is executed.
 * @throws PickleForbiddenError when the file needs classes beyond tensors and plain data
 * @throws FormatError `TORCH_CORRUPT` | `ZIP_CORRUPT` | `PICKLE_CORRUPT` | `TRUNCATED` | `LIMIT` | `UNSUPPORTED` …
 * @throws CancelledError
 */
export async function readTorch(
  input: Uint8Array | ByteSource,
  options: ReadTorchOptions = {},
): Promise<PickleValue> {
  const source = input instanceof Uint8Array ? memorySource(input) : input;
  const maxBytes = options.maxBytes ?? 2 ** 31;
  const { signal } = options;
  const head = await source.read(0, Math.min(16, source.size), signal);
  if (head[0] === 0x50 && head[1] === 0x4b) return readArchive(source, maxBytes, signal);
  if (source.size > maxBytes) throw tooLarge(source.size, maxBytes);
  if (isLegacyTorch(head)) return readLegacyTorch(await source.read(0, source.size, signal));
  throw new FormatError('TORCH_CORRUPT', `${source.name} is no file of torch.save`, {
    where: { file: source.name },
    expected: 'a zip archive or a stream that begins with the magic number of torch',
  });
}

/** The value of an ordinary pickle that may hold torch tensors, such as the entries of a HalluLens LMDB store. */
export function unpickleWithTensors(bytes: Uint8Array, options: UnpickleOptions = {}): PickleValue {
  return unpickle(bytes, { globals: torchGlobals, ...options });
}

async function readArchive(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<PickleValue> {
  const entries = await openZip(source, signal);
  const main = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (main.length !== 1) {
    throw new FormatError('TORCH_CORRUPT', `${source.name} is a zip archive but not one of torch.save`, {
      where: { file: source.name },
      expected: 'exactly one member <name>/data.pkl',
    });
  }
  const root = main[0]!.slice(0, -'data.pkl'.length);
  await checkByteOrder(source, entries.get(`${root}byteorder`), signal);
  const program = await readBounded(source, entries.get(`${root}data.pkl`)!, maxBytes, signal);

  // Storages are read only when it is known which: the first pass finds them, the second makes the tensors.
  const storages = new Map<string, TorchStorage>();
  const persistentLoad = (id: PickleValue, at: number): TorchStorage => {
    const storage = storageOfId(id, at);
    const known = storages.get(storage.key);
    if (known === undefined) storages.set(storage.key, storage);
    else if (known.byteLength !== storage.byteLength) {
      throw new FormatError('TORCH_CORRUPT', `storage ${storage.key} has two sizes`, { byteOffset: at });
    } else if (known.dtype !== storage.dtype) {
      // Two views of one storage as different types share its bytes.
      storage.bytes = known.bytes;
      return storage;
    }
    return known ?? storage;
  };
  const pickleOptions = { globals: tensorGlobals, persistentLoad };
  const value = unpickle(program, pickleOptions);
  if (storages.size === 0) return value;
  await loadStorages(source, entries, root, [...storages.values()], maxBytes, signal);
  return unpickle(program, pickleOptions);
}

async function loadStorages(
  source: ByteSource,
  entries: ReadonlyMap<string, ZipEntry>,
  root: string,
  storages: readonly TorchStorage[],
  maxBytes: number,
  signal?: AbortSignal,
): Promise<void> {
  const total = storages.reduce((sum, storage) => sum + storage.byteLength, 0);
  if (total > maxBytes) throw tooLarge(total, maxBytes);
  for (const storage of storages) {
    const entry = entries.get(`${root}data/${storage.key}`);
    if (entry === undefined || entry.size !== storage.byteLength) {
      throw new FormatError(
        'TORCH_CORRUPT',
        entry === undefined
          ? `${source.name} has no data for storage ${storage.key}`
          : `storage ${storage.key} has ${entry.size} bytes instead of ${storage.byteLength}`,
        { where: { file: source.name } },
      );
    }
    attach(storage, await readZipEntry(source, entry, signal));
  }
}

async function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined, signal?: AbortSignal) {
  if (entry === undefined) return;
  const order = Buffer.from(await readBounded(source, entry, 64, signal))
    .toString('latin1')
    .trim();
  if (order === 'big') throw bigEndian();
  if (order !== 'little') throw new FormatError('TORCH_CORRUPT', `a byte order of ${JSON.stringify(order)}`);
}

async function readBounded(source: ByteSource, entry: ZipEntry, limit: number, signal?: AbortSignal) {
  if (entry.size > limit) throw tooLarge(entry.size, limit);
  return readZipEntry(source, entry, signal);
}

const tooLarge = (size: number, limit: number) =>
  new FormatError('LIMIT', `a torch file of ${size} bytes`, {
    expected: `at most ${limit} bytes`,
    remedy: 'raise maxBytes if the file is trusted',
  });
