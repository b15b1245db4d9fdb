import type { Activation, MlpSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { attribute } from '../graph/graph.ts';
import type { WeightValues } from './weights.ts';

/** The feed-forward part of a block, `[rows, hidden]` to the same. */
export function mlp(
  builder: GraphBuilder,
  weights: WeightValues,
  x: Value,
  spec: MlpSpec,
  hidden: number,
): Value {
  const { width } = spec;
  const up = weights.linear(x, spec.up, hidden, width);
  const inner =
    spec.gate === undefined
      ? activate(builder, up, spec.activation)
      : builder.node('Mul', [
          activate(builder, weights.linear(x, spec.gate, hidden, width), spec.activation),
          up,
        ]);
  return weights.linear(inner, spec.down, width, hidden);
}

function activate(builder: GraphBuilder, x: Value, activation: Activation): Value {
  switch (activation) {
    case 'silu':
      return builder.node('Mul', [x, builder.node('Sigmoid', [x])]);
    case 'gelu':
      return builder.node('Gelu', [x], { approximate: attribute.text('none') });
    case 'gelu-tanh':
      return builder.node('Gelu', [x], { approximate: attribute.text('tanh') });
    case 'relu':
      return builder.node('Relu', [x]);
  }
}
