import { float32ToFloat16Array } from '../../ingest/formats/tensor/float16.ts';

/** An .npy file (format 1.0, C order, little-endian float16) of an array of the given shape. */
export function encodeFloat16Npy(values: Float32Array, shape: readonly number[]): Buffer {
  const header = `{'descr': '<f2', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  // The data starts at a multiple of 64 bytes, and the header ends with a line feed.
  const padded = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const halves = float32ToFloat16Array(values);
  const out = Buffer.alloc(10 + padded + 2 * halves.length, ' ');
  out.write('\x93NUMPY\x01\x00', 0, 'latin1');
  out.writeUInt16LE(padded, 8);
  out.write(header, 10, 'latin1');
  out[10 + padded - 1] = 0x0a;
  for (let i = 0; i < halves.length; i++) out.writeUInt16LE(halves[i]!, 10 + padded + 2 * i);
  return out;
}
