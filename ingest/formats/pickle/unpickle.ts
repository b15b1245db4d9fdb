import { Cursor } from './cursor.ts';
import { corrupt, overLimit } from './errors.ts';
import { builtinGlobals, type GlobalTable, mergeTables } from './globals.ts';
import { Machine } from './machine.ts';
import { checkMeasure } from './measure.ts';
import { numpyGlobals } from './numpy.ts';
import type { PickleValue } from './values.ts';

export interface UnpickleOptions {
  /** What the pickle may name. Default: plain containers and numpy. */
  readonly globals?: GlobalTable;
  /** Resolves persistent ids (torch storages). Default: they are refused. */
  readonly persistentLoad?: (id: PickleValue, byteOffset: number) => PickleValue;
  /** Deepest nesting of containers. Default 200. */
  readonly maxDepth?: number;
  /** Heap memory that values may take (an estimate), in bytes. Default 64 MiB and 64 times the input, up to 1 GiB. */
  readonly allowance?: number;
  /** Longest pickle, in bytes. Default 4 GiB. */
  readonly maxBytes?: number;
}

/** Plain containers and numpy. */
export const defaultGlobals: GlobalTable = mergeTables(builtinGlobals, numpyGlobals);

/**
 * The value of a pickle (protocols 0 to 5) of plain data; classes and functions resolve through an allow-list and
 * nothing is executed. Memory beyond the input is bounded by a multiple of its size and by 1 GiB. The result has no
 * cycles and bounded depth, and its bytes and tensors are views of the input.
 * @throws PickleForbiddenError for anything not on the list
 * @throws FormatError `PICKLE_CORRUPT` | `TRUNCATED` | `LIMIT` | `UNSUPPORTED` | `NON_UTF8`
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions = {}): PickleValue {
  const { value, end } = unpickleAt(bytes, 0, options);
  if (end !== bytes.length) throw corrupt(`${bytes.length - end} bytes after the end`, end);
  return value;
}

/** As `unpickle` for a pickle that begins at `start` and may have more behind it; `end` is where it stopped. */
export function unpickleAt(
  bytes: Uint8Array,
  start: number,
  options: UnpickleOptions = {},
): { readonly value: PickleValue; readonly end: number } {
  const length = bytes.length - start;
  if (length > (options.maxBytes ?? 2 ** 32)) throw overLimit(`a pickle of ${length} bytes`, start);
  const cursor = new Cursor(bytes, start);
  const machine = new Machine(cursor, {
    globals: options.globals ?? defaultGlobals,
    persistentLoad: options.persistentLoad,
    allowance: options.allowance ?? Math.min(2 ** 26 + 64 * length, 2 ** 30),
  });
  const value = machine.run();
  checkMeasure(value, options.maxDepth ?? 200, 1_000_000 + 16 * length);
  return { value, end: cursor.at };
}
