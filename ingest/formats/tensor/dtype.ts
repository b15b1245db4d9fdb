/** Element types a `Tensor` can hold. Names are numpy's (and torch's, with `bfloat16`). */
export type DType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64';

const bytesOf: Readonly<Record<DType, 1 | 2 | 4 | 8>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
  float64: 8,
};

/** Bytes of one element. */
export function itemSize(dtype: DType): 1 | 2 | 4 | 8 {
  return bytesOf[dtype];
}

/** Whether a name is that of a type that tensors here can have. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(bytesOf, name);
}

/** Reverses the bytes of every `width`-byte element, into a new array: big-endian data to little-endian. */
export function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes);
  const buffer = Buffer.from(out.buffer);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
  return out;
}
