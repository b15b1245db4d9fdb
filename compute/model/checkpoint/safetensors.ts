import { z } from 'zod';
import type { ByteSource } from '../../../ingest/formats/bytes/byte-source.ts';
import { FormatError } from '../../../ingest/formats/errors.ts';
import { parseJson } from '../../../ingest/formats/json/parse.ts';
import { elementCount } from '../../../ingest/formats/tensor/tensor.ts';
import { CheckpointError } from '../errors.ts';

/** Where one tensor's bytes lie in a file: `[start, end)` from the file's first byte. */
export interface StoredTensor {
  readonly name: string;
  /** As the file writes it (`F32`, `BF16`, `I64`, …). */
  readonly type: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** The format's own limit on its header. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 16;

/** Bits of an element, for every type of the format whose elements are whole bytes. */
const elementBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
};

const whole = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(whole).max(MAX_RANK),
  data_offsets: z.tuple([whole, whole]),
});

/**
 * Reads the header of a safetensors file (8 bytes of length, JSON, data) and nothing else. Every tensor is checked: its
 * extent is that of its shape, lies in the file and overlaps no other; together they fill the data, as the format demands.
 * @throws CheckpointError for anything else
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<StoredTensor[]> {
  const invalid = (message: string, expected?: string, cause?: unknown) =>
    new CheckpointError(`${source.name}: ${message}`, {
      where: { file: source.name },
      ...(expected === undefined ? {} : { expected }),
      cause,
      remedy: 'download the file again',
    });
  if (source.size < 8) throw invalid(`${source.size} bytes are no safetensors file`);
  const prefix = await source.read(0, 8, signal);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) throw invalid(`a header of ${length} bytes`, `at most ${MAX_HEADER_BYTES}`);
  const dataStart = 8 + Number(length);
  if (dataStart > source.size) {
    throw invalid(`the header of ${length} bytes goes beyond the file's ${source.size}`, 'a complete file');
  }
  const entries = parseHeader(await source.read(8, dataStart, signal), invalid);

  const tensors: StoredTensor[] = [];
  for (const [name, value] of entries) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) throw invalid(`tensor ${name}: ${z.prettifyError(parsed.error)}`);
    const { dtype: type, shape, data_offsets: offsets } = parsed.data;
    const bytes = elementBytes[type];
    if (bytes === undefined) throw invalid(`tensor ${name} has the unknown type ${type}`);
    const [start, end] = offsets;
    const size = sizeOf(shape, bytes, (cause) => invalid(`tensor ${name} is too large`, undefined, cause));
    if (end - start !== size) {
      throw invalid(
        `tensor ${name} has ${end - start} bytes`,
        `${size} for ${type} of shape [${shape.join(', ')}]`,
      );
    }
    tensors.push({ name, type, shape, start: dataStart + start, end: dataStart + end });
  }
  checkLayout(tensors, dataStart, source.size, invalid);
  return tensors;
}

type Invalid = (message: string, expected?: string, cause?: unknown) => CheckpointError;

function parseHeader(bytes: Uint8Array, invalid: Invalid): [string, unknown][] {
  try {
    const { value, notes } = parseJson(bytes, { maxDepth: 8, maxBytes: MAX_HEADER_BYTES });
    const repeated = notes.find((note) => note.code === 'DUPLICATE_KEY');
    if (repeated !== undefined) throw invalid(`the header says ${repeated.pointer} twice`);
    return Object.entries(z.record(z.string(), z.unknown()).parse(value));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw invalid('the header is no JSON object', undefined, error);
  }
}

function sizeOf(
  shape: readonly number[],
  bytes: number,
  tooLarge: (cause: unknown) => CheckpointError,
): number {
  try {
    return elementCount(shape) * bytes;
  } catch (error) {
    if (error instanceof FormatError) throw tooLarge(error);
    throw error;
  }
}

function checkLayout(
  tensors: readonly StoredTensor[],
  dataStart: number,
  fileSize: number,
  invalid: Invalid,
) {
  let at = dataStart;
  for (const { name, start, end } of [...tensors].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== at)
      throw invalid(`tensor ${name} begins at byte ${start}`, `byte ${at}, behind the tensor before it`);
    at = end;
  }
  if (at !== fileSize) throw invalid(`the tensors end at byte ${at}`, `the file's end, byte ${fileSize}`);
}
