import type { DecoderSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import type { GraphInputs } from './inputs.ts';
import type { ComputeType } from './weights.ts';

/** A position that no query reaches: that of padding among a row's earlier tokens. */
const NEVER = 2 ** 40;
/** In place of minus infinity, so that a row of nothing else gives no NaN. */
const MASKED = -1e30;

/** Sizes, positions and masks of a run: what all blocks share. */
export interface Frame {
  /** S, N, P and O, each a tensor of one integer. */
  readonly tokens: Value;
  readonly prefixes: Value;
  readonly prefix: Value;
  readonly past: Value;
  /** Rows at a point, the `Bl` of the block behind it: a tensor of one integer. */
  rows(point: number): Value;
  /** Which row of the point before each row of a point goes on from, int64 [Bl]. */
  sources(point: number): Value;
  /** A tensor over the rows of all points, [ΣB, …], in its points' parts. */
  byPoint(value: Value): readonly Value[];
  /** Where the tokens stand, int64 [B0, S]. */
  readonly positions: Value;
  /** A shape of constants and the sizes above. */
  shape(...sizes: readonly (number | Value)[]): Value;
  /** Added to a block's scores, float32 [Bl, 1, S, P + O + S]; `window` limits how far a query looks back. */
  mask(layer: number, window: number | undefined): Value;
  /** Cosines and sines [B0 · S, d / 2], and int64 [Bl, S] telling which row of them is whose in a block. */
  readonly rotary:
    | { readonly cosines: Value; readonly sines: Value; readonly rows: (layer: number) => Value }
    | undefined;
}

/** Adds to the graph what all its blocks share. @param compute the type in which rotary factors are needed */
export function createFrame(
  b: GraphBuilder,
  decoder: DecoderSpec,
  inputs: GraphInputs,
  compute: ComputeType,
): Frame {
  const points = decoder.blocks.length + 1;
  const tokens = b.dimension(inputs.tokens, 1);
  const prefixes = b.dimension(inputs.prefixKeys(0), 1);
  const prefix = b.dimension(inputs.prefixKeys(0), 2);
  const past = b.dimension(inputs.pastKeys(0), 2);
  const shape = (...sizes: readonly (number | Value)[]) =>
    b.concat(
      sizes.map((size) => (typeof size === 'number' ? b.integers([size]) : size)),
      0,
    );

  const byPoint = (value: Value) => b.split(value, inputs.rowCounts, points, 0);
  const rows = b.splitEvenly(inputs.rowCounts, points, 0);
  const sources = byPoint(inputs.rowSources);
  const origins = byPoint(inputs.rowOrigins);

  const prefixLengths = b.unsqueeze(inputs.prefixLengths, [1]);
  const pastLengths = b.unsqueeze(inputs.pastLengths, [1]);
  const before = b.add(prefixLengths, pastLengths);
  const positions = b.add(b.unsqueeze(b.range(tokens), [0]), before);

  /** Of `count` keys, where each stands: the first of a row behind `from`, padding where no query sees it. */
  const stretch = (count: Value, lengths: Value, from: Value) => {
    const index = b.unsqueeze(b.range(count), [0]);
    const standing = b.node('Less', [index, lengths]);
    return b.node('Where', [standing, b.add(index, from), b.integers([NEVER], [])]);
  };
  const keyPositions = b.concat(
    [
      stretch(prefix, prefixLengths, b.integers([0], [])),
      stretch(past, pastLengths, prefixLengths),
      positions,
    ],
    1,
  );
  const mask = (layer: number, window: number | undefined) => {
    const query = b.unsqueeze(positions, [2]);
    const key = b.unsqueeze(keyPositions, [1]);
    let visible = b.node('LessOrEqual', [key, query]);
    if (window !== undefined) {
      const oldest = b.node('Sub', [query, b.integers([window], [])]);
      visible = b.node('And', [visible, b.node('Greater', [key, oldest])]);
    }
    const added = b.node('Where', [visible, b.floats([0], []), b.floats([MASKED], [])]);
    return b.gather(b.unsqueeze(added, [1]), origins[layer]!, 0);
  };

  return {
    tokens,
    prefixes,
    prefix,
    past,
    rows: (point) => rows[point]!,
    sources: (point) => sources[point]!,
    byPoint,
    positions,
    shape,
    mask,
    rotary: rotary(b, decoder, { positions, origins }, compute),
  };
}

/**
 * The angles are products in float32, as in transformers: for positions in the ten thousands their rounding is
 * visible, and parity asks for the same one.
 */
function rotary(
  b: GraphBuilder,
  { rotaryFrequencies: frequencies }: DecoderSpec,
  { positions, origins }: { readonly positions: Value; readonly origins: readonly Value[] },
  compute: ComputeType,
): Frame['rotary'] {
  if (frequencies === undefined) return undefined;
  const column = b.cast(b.reshape(positions, [-1, 1]), 'float32');
  const angles = b.node('Mul', [column, b.floats(frequencies, [1, frequencies.length])]);
  const wave = (operator: string) => {
    const values = b.node(operator, [angles]);
    return compute === 'float32' ? values : b.cast(values, compute);
  };
  const rows = b.reshape(b.range(b.dimension(column, 0)), b.node('Shape', [positions]));
  return {
    cosines: wave('Cos'),
    sines: wave('Sin'),
    rows: (layer) => b.gather(rows, origins[layer]!, 0),
  };
}
