import { GraphBuilder, type Value } from '../../../model/graph/builder.ts';
import { compileGraph } from '../../../model/graph/compile.ts';
import { attribute } from '../../../model/graph/graph.ts';
import { type DenseParameters, forward, parameterConstants, sum } from '../network/dense.ts';
import { unitRows } from '../network/losses.ts';
import { type Standardisation, standardised } from '../network/onnx-file.ts';
import type { Whitening } from './covariance.ts';

/** What examples are compared with: truthful ones of the training rows. */
export interface Reference extends Whitening {
  /** Their embeddings at length 1: rows x width. */
  readonly bank: Float32Array;
  /** The neighbour of this rank is the one that counts. */
  readonly k: number;
}

/**
 * Scores of embedded views, each of which grows with the likelihood of a hallucination. The embedding of an example is the mean of its
 * views' embeddings, at length 1.
 * - `knn`: Euclidean distance to the k-th nearest truthful training example
 * - `mahalanobis`: distance from the truthful training examples' mean by their covariance
 * - `cosine`: minus the mean cosine between two views; only where there are several
 * @param views rows x views x width, each at length 1
 */
function scoresOf(
  graph: GraphBuilder,
  views: Value,
  count: number,
  { bank, k, mean, matrix }: Reference,
): Record<string, Value> {
  const width = mean.length;
  const number = (value: number): Value => graph.floats([value], []);
  const added = sum(graph, views, 1, false);
  const { unit } = unitRows(graph, added);
  const similarities = graph.node('Gemm', [unit, graph.floats(bank, [bank.length / width, width])], {
    transB: attribute.int(1),
  });
  const [nearest] = graph.nodes('TopK', [similarities, graph.integers([k])], 2);
  const kth = graph.node('ReduceMin', [nearest, graph.integers([1])], { keepdims: attribute.int(0) });
  // |a - b|^2 = 2 - 2 a . b
  const squared = graph.node('Relu', [graph.node('Mul', [graph.node('Sub', [number(1), kth]), number(2)])]);
  const centred = graph.node('Sub', [unit, graph.floats(mean, [1, width])]);
  const whitened = graph.node('Gemm', [centred, graph.floats(matrix, [width, width])]);
  const lengthOf = (value: Value): Value => sum(graph, graph.node('Mul', [value, value]), 1, false);
  const scores: Record<string, Value> = {
    knn: graph.node('Sqrt', [squared]),
    mahalanobis: graph.node('Sqrt', [lengthOf(whitened)]),
  };
  if (count > 1) {
    // Of the products of all pairs of views the squared length of their sum has each twice, and their own lengths.
    const pairs = graph.node('Sub', [number(count), lengthOf(added)]);
    scores['cosine'] = graph.node('Mul', [pairs, number(1 / (count * (count - 1)))]);
  }
  return scores;
}

/** From `views` (rows x views x width) to a number a row for every score. */
export function scoringGraph(count: number, reference: Reference): GraphBuilder {
  const graph = new GraphBuilder();
  const views = graph.input('views', 'float32', ['rows', count, reference.mean.length]);
  for (const [name, value] of Object.entries(scoresOf(graph, views, count, reference)))
    graph.output(name, value, 'float32', ['rows']);
  return graph;
}

/**
 * The file of a contrastive probe. Input `activations`: rows x layers x dim, as recorded. Outputs, one number a row: `score`, which is
 * the one by nearest neighbours, and each score under its name.
 * @param by of each layer, in the order of the input
 */
export function contrastiveFile(
  by: readonly Standardisation[],
  parameters: readonly DenseParameters[],
  reference: Reference,
): Uint8Array {
  const graph = new GraphBuilder();
  const dim = by[0]!.mean.length;
  const layers = by.length;
  const raw = graph.input('activations', 'float32', ['rows', layers, dim]);
  const all = {
    mean: joined(by.map(({ mean }) => mean)),
    inverse: joined(by.map(({ inverse }) => inverse)),
  };
  const input = graph.reshape(standardised(graph, raw, all, [1, layers, dim]), [-1, dim]);
  const { output } = forward(graph, input, parameterConstants(graph, parameters));
  const views = graph.reshape(unitRows(graph, output).unit, [-1, layers, reference.mean.length]);
  const scores = scoresOf(graph, views, layers, reference);
  for (const [name, value] of Object.entries({ score: scores['knn']!, ...scores }))
    graph.output(name, value, 'float32', ['rows']);
  return compileGraph(graph.build());
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}
