type Words = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

function words(bytes: Uint8Array, width: number): Words {
  const { buffer, byteOffset } = bytes;
  const length = Math.floor(bytes.length / width);
  if (width === 1) return bytes;
  if (width === 2) return new Uint16Array(buffer, byteOffset, length);
  if (width === 4) return new Uint32Array(buffer, byteOffset, length);
  return new BigUint64Array(buffer, byteOffset, length);
}

/** Copies the elements of a strided view (offset and strides in elements) to C order. The view must be in bounds. */
export function gather(
  data: Uint8Array,
  width: 1 | 2 | 4 | 8,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  let count = 1;
  let last = offset;
  for (let axis = 0; axis < shape.length; axis++) {
    count *= shape[axis]!;
    last += (shape[axis]! - 1) * strides[axis]!;
  }
  const out = new Uint8Array(count * width);
  if (count === 0) return out;
  const span = data.subarray(offset * width, (last + 1) * width);
  const from = words(span.byteOffset % width === 0 ? span : new Uint8Array(span), width);
  const to = words(out, width);
  const inner = shape.length - 1;
  const step = strides[inner] ?? 1;
  const run = shape[inner] ?? 1;
  const index = new Array<number>(Math.max(inner, 0)).fill(0);
  let position = 0;
  for (let at = 0; at < count; at += run) {
    copyRun(from, position, step, to, at, run);
    for (let axis = inner - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      position -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function copyRun(from: Words, position: number, step: number, to: Words, at: number, run: number): void {
  let source = position;
  for (let i = 0; i < run; i++, source += step) to[at + i] = from[source]!;
}
