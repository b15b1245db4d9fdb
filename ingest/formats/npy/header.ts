import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { elementCount } from '../tensor/tensor.ts';
import { type ElementType, parseTypeString } from '../tensor/type-string.ts';
import { type Literal, parseLiteral } from './literal.ts';

export interface NpyHeader {
  readonly type: ElementType;
  /** The type string as written, e.g. `<f2`. */
  readonly descr: string;
  readonly shape: readonly number[];
  readonly order: 'C' | 'F';
  /** Where the elements begin, in bytes. */
  readonly dataOffset: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const maxHeader = 64 * 1024;

const corrupt = (source: ByteSource, message: string) =>
  new FormatError('NPY_CORRUPT', `${source.name}: ${message}`, {
    where: { file: source.name },
    expected: 'a file written by numpy.save',
  });

/** True when the bytes begin with the magic string of the format; memmap dumps named `.npy` do not. */
export function isNpy(head: Uint8Array): boolean {
  return magic.every((byte, i) => head[i] === byte);
}

/**
 * The header of an `.npy` file, format 1.0 to 3.0.
 * @throws FormatError `NPY_CORRUPT` | `TRUNCATED`; `UNSUPPORTED` for records, dates and complex numbers
 */
export async function readNpyHeader(source: ByteSource, signal?: AbortSignal): Promise<NpyHeader> {
  const head = await source.read(0, Math.min(12, source.size), signal);
  if (!isNpy(head)) throw corrupt(source, 'the magic string of an .npy file is missing');
  const version = head[6] ?? 0;
  if (version < 1 || version > 3 || (head[7] ?? 0) !== 0) {
    throw new FormatError('UNSUPPORTED', `${source.name}: .npy format ${version}.${head[7] ?? 0}`, {
      expected: 'format 1.0, 2.0 or 3.0',
    });
  }
  const prefix = version === 1 ? 10 : 12;
  if (source.size < prefix) throw corrupt(source, 'the file ends inside its header');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeader) throw new FormatError('LIMIT', `${source.name}: a header of ${length} bytes`);
  const dataOffset = prefix + length;
  const bytes = await source.read(prefix, dataOffset, signal);
  return { ...parseHeader(source, decode(source, bytes, version)), dataOffset };
}

function decode(source: ByteSource, bytes: Uint8Array, version: number): string {
  if (version < 3) return Buffer.from(bytes).toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw corrupt(source, 'the header is not UTF-8');
  }
}

function parseHeader(source: ByteSource, text: string): Omit<NpyHeader, 'dataOffset'> {
  const header = parseLiteral(text);
  if (!(header instanceof Map) || [...header.keys()].sort().join() !== 'descr,fortran_order,shape') {
    throw corrupt(source, 'the header must have descr, fortran_order and shape, and nothing else');
  }
  const fortran: Literal = header.get('fortran_order') ?? null;
  const shape = shapeOf(header.get('shape'));
  if (typeof fortran !== 'boolean' || shape === undefined) throw corrupt(source, 'the header is damaged');
  const descr: Literal = header.get('descr') ?? null;
  const type = typeof descr === 'string' ? parseTypeString(descr) : undefined;
  if (typeof descr !== 'string' || type === undefined) {
    const what = typeof descr === 'string' ? `dtype ${descr}` : 'records';
    throw new FormatError('UNSUPPORTED', `${source.name}: an array of ${what}`, {
      where: { file: source.name },
      expected: 'bool, integers, float16 to float64, or fixed-width strings',
    });
  }
  elementCount(shape);
  return { type, descr, shape, order: fortran && shape.length > 1 ? 'F' : 'C' };
}

function shapeOf(value: Literal | undefined): number[] | undefined {
  if (typeof value !== 'object' || value === null || !('tuple' in value)) return undefined;
  return value.tuple.every((item) => typeof item === 'number' && item >= 0)
    ? (value.tuple as number[])
    : undefined;
}
