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
  readonly batch: Value;
  /** S, P, O and their sum, each a tensor of one integer. */
  readonly tokens: Value;
  readonly prefix: Value;
  readonly past: Value;
  readonly context: Value;
  /** Where the tokens stand, int64 [B, S]. */
  readonly positions: Value;
  /** A shape of constants and the sizes above. */
  shape(...sizes: readonly (number | Value)[]): Value;
  /** Added to scores, float32 [B, 1, S, P + O + S]; `window` limits how far a query looks back. */
  mask(window: number | undefined): Value;
  /** Cosines and sines [B · S, d / 2], and int64 [B, S] telling which row of them is whose. */
  readonly rotary: { readonly cosines: Value; readonly sines: Value; readonly rows: Value } | undefined;
}

export function createFrame(
  b: GraphBuilder,
  decoder: DecoderSpec,
  inputs: GraphInputs,
  compute: ComputeType,
): Frame {
  const batch = b.dimension(inputs.tokens, 0);
  const tokens = b.dimension(inputs.tokens, 1);
  const prefix = b.dimension(inputs.prefixKeys(0), 1);
  const past = b.dimension(inputs.pastKeys(0), 2);
  const shape = (...sizes: readonly (number | Value)[]) =>
    b.concat(
      sizes.map((size) => (typeof size === 'number' ? b.integers([size]) : size)),
      0,
    );

  const pastLengths = b.unsqueeze(inputs.pastLengths, [1]);
  const positions = b.add(b.add(b.unsqueeze(b.range(tokens), [0]), pastLengths), prefix);

  const pastRange = b.unsqueeze(b.range(past), [0]);
  const keyPositions = b.concat(
    [
      b.node('Expand', [b.unsqueeze(b.range(prefix), [0]), shape(batch, prefix)]),
      b.node('Where', [
        b.node('Less', [pastRange, pastLengths]),
        b.add(pastRange, prefix),
        b.integers([NEVER], []),
      ]),
      positions,
    ],
    1,
  );
  const mask = (window: number | undefined) => {
    const query = b.unsqueeze(positions, [2]);
    const key = b.unsqueeze(keyPositions, [1]);
    let visible = b.node('LessOrEqual', [key, query]);
    if (window !== undefined) {
      const oldest = b.node('Sub', [query, b.integers([window], [])]);
      visible = b.node('And', [visible, b.node('Greater', [key, oldest])]);
    }
    const added = b.node('Where', [visible, b.floats([0], []), b.floats([MASKED], [])]);
    return b.unsqueeze(added, [1]);
  };

  return {
    batch,
    tokens,
    prefix,
    past,
    context: b.add(b.add(prefix, past), tokens),
    positions,
    shape,
    mask,
    rotary: rotary(b, decoder, { positions, shape, batch, tokens }, compute),
  };
}

/**
 * The angles are products in float32, as in transformers: for positions in the ten thousands their rounding is
 * visible, and parity asks for the same one.
 */
function rotary(
  b: GraphBuilder,
  { rotaryFrequencies: frequencies }: DecoderSpec,
  frame: Pick<Frame, 'positions' | 'shape' | 'batch' | 'tokens'>,
  compute: ComputeType,
): Frame['rotary'] {
  if (frequencies === undefined) return undefined;
  const column = b.cast(b.reshape(frame.positions, [-1, 1]), 'float32');
  const angles = b.node('Mul', [column, b.floats(frequencies, [1, frequencies.length])]);
  const wave = (operator: string) => {
    const values = b.node(operator, [angles]);
    return compute === 'float32' ? values : b.cast(values, compute);
  };
  const rows = b.range(b.dimension(column, 0));
  return {
    cosines: wave('Cos'),
    sines: wave('Sin'),
    rows: b.reshape(rows, frame.shape(frame.batch, frame.tokens)),
  };
}
