import { GraphBuilder, type Value } from '../../../model/graph/builder.ts';
import { compileGraph } from '../../../model/graph/compile.ts';
import { type DenseParameters, forward, parameterConstants } from './dense.ts';

/** What raw features are standardised by: (feature - mean) x inverse. */
export interface Standardisation {
  readonly mean: Float32Array;
  readonly inverse: Float32Array;
}

/** Standardises raw features by constants of the graph, which have that shape. */
export function standardised(
  graph: GraphBuilder,
  features: Value,
  { mean, inverse }: Standardisation,
  shape: readonly number[],
): Value {
  const centred = graph.node('Sub', [features, graph.floats(mean, shape)]);
  return graph.node('Mul', [centred, graph.floats(inverse, shape)]);
}

/**
 * The file of a probe of one layer whose network gives log odds. Input `activations`: rows x dim, as recorded. Outputs, one number a
 * row: `score`, the probability of a hallucination, and `log_odds`.
 */
export function probabilityFile(by: Standardisation, parameters: readonly DenseParameters[]): Uint8Array {
  const graph = new GraphBuilder();
  const dim = by.mean.length;
  const features = graph.input('activations', 'float32', ['rows', dim]);
  const input = standardised(graph, features, by, [1, dim]);
  const { output } = forward(graph, input, parameterConstants(graph, parameters));
  const logOdds = graph.squeeze(output, [1]);
  graph.output('score', graph.node('Sigmoid', [logOdds]), 'float32', ['rows']);
  graph.output('log_odds', logOdds, 'float32', ['rows']);
  return compileGraph(graph.build());
}
