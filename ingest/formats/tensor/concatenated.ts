import { FormatError } from '../errors.ts';
import { type DType, isDType, itemSize } from './dtype.ts';
import { elementCount, Tensor } from './tensor.ts';

/** `torch.float16` or `float16`. @throws FormatError `UNSUPPORTED` */
export function parseDType(name: string): DType {
  const plain = name.replace(/^torch\./, '');
  if (isDType(plain)) return plain;
  throw new FormatError('UNSUPPORTED', `tensors of dtype ${name} are not read`);
}

/**
 * The tensors whose little-endian elements in C order lie one after another in `bytes`, which they share.
 * @throws FormatError `TRUNCATED` | `LIMIT` | `UNSUPPORTED`; `CODEC_CORRUPT` when bytes are left over
 */
export function splitTensors(
  bytes: Uint8Array,
  parts: readonly { readonly shape: readonly number[]; readonly dtype: string }[],
): Tensor[] {
  let at = 0;
  const tensors = parts.map(({ shape, dtype: name }) => {
    const dtype = parseDType(name);
    const start = at;
    at += elementCount(shape) * itemSize(dtype);
    return new Tensor({ dtype, shape, data: bytes.subarray(start, at) });
  });
  if (at !== bytes.length) {
    throw new FormatError('CODEC_CORRUPT', `${bytes.length} bytes for tensors of ${at} bytes`, {
      expected: `${at} bytes`,
    });
  }
  return tensors;
}
