import { InvalidArgumentError } from '../../../lake/errors.ts';

/** Steps `[start, end)` along one axis. */
export interface AxisRange {
  readonly start: number;
  readonly end: number;
}

/** One range an axis: those given, then whole axes. @throws InvalidArgumentError for ranges outside the array */
export function fullRegion(shape: readonly number[], ranges: readonly AxisRange[]): AxisRange[] {
  if (ranges.length > shape.length)
    throw new InvalidArgumentError(`${ranges.length} ranges for (${shape.join(', ')})`);
  return shape.map((extent, axis) => {
    const range = ranges[axis] ?? { start: 0, end: extent };
    const { start, end } = range;
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= extent)) {
      throw new InvalidArgumentError(
        `no elements [${start}, ${end}) on axis ${axis} of (${shape.join(', ')})`,
      );
    }
    return { start, end };
  });
}

/** The part of a region that lies in one chunk. */
export interface ChunkPart {
  readonly coordinates: readonly number[];
  /** Within the chunk. */
  readonly inChunk: readonly AxisRange[];
  /** Where it goes in the result. */
  readonly at: readonly number[];
}

export const extentOf = (range: AxisRange) => range.end - range.start;

/** How many chunks a region touches. */
export function chunkCount(region: readonly AxisRange[], chunkShape: readonly number[]): number {
  return region.reduce((count, { start, end }, axis) => {
    if (start === end) return 0;
    return count * (Math.floor((end - 1) / chunkShape[axis]!) - Math.floor(start / chunkShape[axis]!) + 1);
  }, 1);
}

/** The chunks of a region in C order. */
export function* chunkParts(
  region: readonly AxisRange[],
  chunkShape: readonly number[],
): Generator<ChunkPart> {
  if (region.some((range) => range.start === range.end)) return;
  const first = region.map((range, axis) => Math.floor(range.start / chunkShape[axis]!));
  const coordinates = [...first];
  for (;;) {
    const inChunk = region.map((range, axis) => {
      const base = coordinates[axis]! * chunkShape[axis]!;
      return {
        start: Math.max(range.start - base, 0),
        end: Math.min(range.end - base, chunkShape[axis]!),
      };
    });
    const at = region.map(
      (range, axis) => coordinates[axis]! * chunkShape[axis]! + inChunk[axis]!.start - range.start,
    );
    yield { coordinates: [...coordinates], inChunk, at };
    let axis = region.length - 1;
    for (; axis >= 0; axis--) {
      coordinates[axis]!++;
      if (coordinates[axis]! * chunkShape[axis]! < region[axis]!.end) break;
      coordinates[axis] = first[axis]!;
    }
    if (axis < 0) return;
  }
}

/** Copies a C-order block of `extents` elements into a C-order array, at a position. */
export function place(
  block: Uint8Array,
  extents: readonly number[],
  out: Uint8Array,
  outShape: readonly number[],
  at: readonly number[],
  itemSize: number,
): void {
  // Trailing axes that the block fills completely are copied in one run.
  let axis = extents.length;
  let run = itemSize;
  while (axis > 0) {
    axis--;
    run *= extents[axis]!;
    if (extents[axis] !== outShape[axis]) break;
  }
  const strides = new Array<number>(outShape.length);
  let step = itemSize;
  for (let i = outShape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= outShape[i]!;
  }
  let position = at.reduce((sum, value, i) => sum + value * strides[i]!, 0);
  const index = new Array<number>(axis).fill(0);
  for (let from = 0; from < block.length; from += run) {
    out.set(block.subarray(from, from + run), position);
    for (let i = axis - 1; i >= 0; i--) {
      position += strides[i]!;
      if (++index[i]! < extents[i]!) break;
      position -= extents[i]! * strides[i]!;
      index[i] = 0;
    }
  }
}
