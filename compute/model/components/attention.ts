import type { AttentionSpec, DecoderSpec, NormSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { attribute } from '../graph/graph.ts';
import type { Frame } from './frame.ts';
import type { GraphInputs } from './inputs.ts';
import type { Interventions } from './interventions.ts';
import { norm } from './norm.ts';
import type { ComputeType, WeightValues } from './weights.ts';

/** What every component of one graph shares. */
export interface GraphContext {
  readonly builder: GraphBuilder;
  readonly decoder: DecoderSpec;
  readonly weights: WeightValues;
  readonly inputs: GraphInputs;
  readonly frame: Frame;
  readonly interventions: Interventions;
  readonly compute: ComputeType;
}

export interface AttentionOutput {
  /** What the output projection reads, [Bl, S, H, d]. */
  readonly heads: Value;
  /** Of these tokens, [K, Bl, S, d]; keys are rotated. */
  readonly keys: Value;
  readonly values: Value;
}

/** Keys a query may look at: [K, N, length, d], shared by the rows of a prefix, or [K, Bl, length, d]. */
interface Stretch {
  readonly keys: Value;
  readonly values: Value;
  readonly length: Value;
  /** Leading sizes of queries that multiply these keys; G query heads of a key-value head are rows beside one another. */
  readonly rows: readonly (number | Value)[];
}

/**
 * Grouped-query attention of one block over three stretches of keys: the prefix that rows share, a row's own
 * earlier tokens, these tokens. Scores of the stretches are computed apart and share one softmax, so nothing of a
 * prefix is copied a row and its products are one matrix multiplication a key-value head over all its rows (the
 * idea of Hydragen, arXiv 2402.05099). A stretch of length zero costs nothing and changes nothing.
 * @param x the normalised residual, [Bl · S, D]
 */
export function attention(
  context: GraphContext,
  spec: AttentionSpec,
  layer: number,
  x: Value,
): AttentionOutput {
  const { builder: b, decoder, frame, inputs, compute } = context;
  const { keyValueHeads: K, headDim: d } = decoder;
  const G = decoder.heads / K;
  const { tokens: S, prefixes: N, prefix: P, past: O, shape } = frame;
  const B = frame.rows(layer);
  const typed = (value: Value) => (compute === 'float32' ? value : b.cast(value, compute));

  const projected = project(context, spec, layer, x);
  const queries = b.transpose(b.reshape(projected.query, shape(B, S, K, G, d)), [2, 0, 3, 1, 4]);
  const keys = b.transpose(b.reshape(projected.key, shape(B, S, K, d)), [2, 0, 1, 3]);
  const values = b.transpose(b.reshape(projected.value, shape(B, S, K, d)), [2, 0, 1, 3]);

  const rowsOfOne = b.node('Mul', [S, b.integers([G])]);
  const rowsOfPrefix = b.node('Mul', [b.node('Div', [B, N]), rowsOfOne]);
  const stretches: readonly Stretch[] = [
    {
      keys: typed(inputs.prefixKeys(layer)),
      values: typed(inputs.prefixValues(layer)),
      length: P,
      rows: [K, N, rowsOfPrefix],
    },
    {
      keys: typed(inputs.pastKeys(layer)),
      values: typed(inputs.pastValues(layer)),
      length: O,
      rows: [K, B, rowsOfOne],
    },
    { keys, values, length: S, rows: [K, B, rowsOfOne] },
  ];

  const scores = b.concat(
    stretches.map((one) => {
      const products = b.node(
        'FusedMatMul',
        [b.reshape(queries, shape(...one.rows, d)), one.keys],
        { transB: attribute.int(1), alpha: attribute.float(spec.scale) },
        'com.microsoft',
      );
      return b.reshape(products, shape(K, B, G, S, one.length));
    }),
    -1,
  );
  // The softmax is in float32 whatever the type of the arithmetic, as transformers has it.
  const masked = b.add(
    compute === 'float32' ? scores : b.cast(scores, 'float32'),
    frame.mask(layer, spec.window),
  );
  const probabilities = typed(b.node('Softmax', [masked], { axis: attribute.int(-1) }));

  const lengths = shape(...stretches.map((one) => one.length));
  const parts = b.split(probabilities, lengths, stretches.length, -1);
  const sum = stretches
    .map((one, i) => b.node('MatMul', [b.reshape(parts[i]!, shape(...one.rows, one.length)), one.values]))
    .map((product) => b.reshape(product, shape(K, B, G, S, d)))
    .reduce((left, right) => b.add(left, right));
  const heads = b.reshape(b.transpose(sum, [1, 3, 0, 2, 4]), shape(B, S, decoder.heads, d));
  return { heads, keys, values };
}

/** Query of H · d, key and value of K · d a token; normalised a head and rotated where the block says so. */
function project(
  context: GraphContext,
  spec: AttentionSpec,
  layer: number,
  x: Value,
): { readonly query: Value; readonly key: Value; readonly value: Value } {
  const { builder: b, decoder, weights } = context;
  const { hidden, headDim } = decoder;
  const queryWidth = decoder.heads * headDim;
  const keyWidth = decoder.keyValueHeads * headDim;
  const { projections, headNorms } = spec;

  let flat: readonly [query: Value, key: Value, value: Value];
  if ('fused' in projections) {
    const all = weights.linear(x, projections.fused, hidden, queryWidth + 2 * keyWidth);
    const [query, key, value] = b.split(all, b.integers([queryWidth, keyWidth, keyWidth]), 3, -1);
    flat = [query!, key!, value!];
  } else {
    flat = [
      weights.linear(x, projections.query, hidden, queryWidth),
      weights.linear(x, projections.key, hidden, keyWidth),
      weights.linear(x, projections.value, hidden, keyWidth),
    ];
  }
  const perHead = (value: Value, by: NormSpec | undefined) =>
    by === undefined ? value : norm(b, weights, b.reshape(value, [-1, headDim]), by, headDim);
  const rotated = (value: Value, width: number) =>
    spec.rotary ? rotate(context, layer, value, width) : value;
  return {
    query: rotated(perHead(flat[0], headNorms?.query), queryWidth),
    key: rotated(perHead(flat[1], headNorms?.key), keyWidth),
    value: flat[2],
  };
}

/** Rotates the halves of every head against each other by the position's angles; emits ONNX Runtime's own operator. */
function rotate({ builder: b, frame }: GraphContext, layer: number, value: Value, width: number): Value {
  if (frame.rotary === undefined) throw new Error('a rotary block in a decoder without rotary frequencies');
  const { rows, cosines, sines } = frame.rotary;
  return b.node(
    'RotaryEmbedding',
    [b.reshape(value, frame.shape(frame.rows(layer), frame.tokens, width)), rows(layer), cosines, sines],
    { interleaved: attribute.int(0) },
    'com.microsoft',
  );
}
