import type { NormSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { attribute } from '../graph/graph.ts';
import type { WeightValues } from './weights.ts';

/**
 * Normalises the last dimension. RMS (Zhang and Sennrich 2019): `x / sqrt(mean(x²) + ε) · w`; layer norm also takes the
 * mean away and adds a bias. The statistics are in float32 whatever the type of `x`, as transformers has them.
 */
export function norm(
  builder: GraphBuilder,
  weights: WeightValues,
  x: Value,
  spec: NormSpec,
  size: number,
): Value {
  const attributes = {
    axis: attribute.int(-1),
    epsilon: attribute.float(spec.epsilon),
    stash_type: attribute.int(1),
  };
  const scale = weights.value(spec.weight, [size]);
  if (spec.kind === 'rms') return builder.node('SimplifiedLayerNormalization', [x, scale], attributes);
  const bias = spec.bias === undefined ? undefined : weights.value(spec.bias, [size]);
  return builder.node('LayerNormalization', bias === undefined ? [x, scale] : [x, scale, bias], attributes);
}
