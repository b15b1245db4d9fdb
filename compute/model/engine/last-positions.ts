import type { FloatTensor } from './session.ts';

/** Of `[B, S, …]` what stands at each row's last position: `[B, …]`. */
export function lastPositions({ data, shape }: FloatTensor, lengths: readonly number[]): FloatTensor {
  const [rows = 0, tokens = 0, ...rest] = shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const out = new Float32Array(rows * width);
  for (const [row, length] of lengths.entries()) {
    const from = (row * tokens + length - 1) * width;
    out.set(data.subarray(from, from + width), row * width);
  }
  return { data: out, shape: [rows, ...rest] };
}
