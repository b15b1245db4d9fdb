import type { GraphBuilder, Value } from '../../../model/graph/builder.ts';
import { attribute } from '../../../model/graph/graph.ts';
import { type Loss, sum } from './dense.ts';

/**
 * Mean cross entropy of logits z (rows x 1) with labels y: log(1 + e^z) - y z; its derivative by z is 1 / (1 + e^-z) - y. Graph inputs:
 * `labels` and `row_weights` (rows x 1), one over the number of rows.
 */
export function crossEntropy(graph: GraphBuilder, logits: Value): Loss {
  const labels = graph.input('labels', 'float32', ['rows', 1]);
  const weights = graph.input('row_weights', 'float32', ['rows', 1]);
  const weighted = (value: Value): Value => graph.node('Mul', [weights, value]);
  const subtract = (a: Value, b: Value): Value => graph.node('Sub', [a, b]);
  const losses = subtract(graph.node('Softplus', [logits]), graph.node('Mul', [labels, logits]));
  return {
    loss: total(graph, weighted(losses)),
    gradient: weighted(subtract(graph.node('Sigmoid', [logits]), labels)),
  };
}

export interface Temperatures {
  readonly temperature: number;
  readonly baseTemperature: number;
}

/** Added to the similarity of a row with itself: it is no candidate. */
const NEVER = -1e9;
/** Keeps the length of a vector of zeros from dividing. */
const TINY = 1e-12;

/**
 * Supervised contrastive loss (Khosla et al., 2020, equation 2): with z the outputs at length 1 and s_ia = z_i . z_a / t,
 * loss = (t / base) x sum_ip w_ip (log sum_{a != i} exp s_ia - s_ip). Its gradient by s is (t / base) (w_i. softmax_i - w).
 * Graph input: `pairs` (rows x rows), the weights w: `positivePairs`. Tells `cosine_sim`, the mean cosine of rows i and
 * i + rows / 2, the two views of an example.
 */
export function supervisedContrastive({ temperature, baseTemperature }: Temperatures) {
  return (graph: GraphBuilder, output: Value): Loss => {
    const pairs = graph.input('pairs', 'float32', ['rows', 'rows']);
    const scaled = (value: Value, factor: number): Value =>
      graph.node('Mul', [value, graph.floats([factor], [])]);
    const { unit, length } = unitRows(graph, output);
    const similarity = graph.node('Gemm', [unit, unit], {
      transB: attribute.int(1),
      alpha: attribute.float(1 / temperature),
    });
    const others = graph.add(similarity, scaled(graph.node('EyeLike', [similarity]), NEVER));
    const logShares = graph.node('LogSoftmax', [others], { axis: attribute.int(1) });
    const scale = temperature / baseTemperature;
    const drawn = graph.node('Mul', [graph.node('Exp', [logShares]), sum(graph, pairs, 1)]);
    const bySimilarity = scaled(graph.node('Sub', [drawn, pairs]), scale / temperature);
    const byUnit = graph.add(
      graph.node('Gemm', [bySimilarity, unit]),
      graph.node('Gemm', [bySimilarity, unit], { transA: attribute.int(1) }),
    );
    // What of it points along z does not turn it.
    const along = graph.node('Mul', [unit, sum(graph, graph.node('Mul', [byUnit, unit]), 1)]);
    const [first, second] = graph.splitEvenly(unit, 2, 0);
    const cosines = sum(graph, graph.node('Mul', [first, second]), 1);
    return {
      loss: scaled(total(graph, graph.node('Mul', [pairs, logShares])), -scale),
      gradient: graph.node('Div', [graph.node('Sub', [byUnit, along]), length]),
      told: { cosine_sim: graph.node('ReduceMean', [cosines], { keepdims: attribute.int(0) }) },
    };
  };
}

/** Rows brought to length 1, and their lengths (rows x 1). */
export function unitRows(
  graph: GraphBuilder,
  value: Value,
): { readonly unit: Value; readonly length: Value } {
  const squares = sum(graph, graph.node('Mul', [value, value]), 1);
  const length = graph.node('Sqrt', [graph.add(squares, graph.floats([TINY], []))]);
  return { unit: graph.node('Div', [value, length]), length };
}

function total(graph: GraphBuilder, value: Value): Value {
  return graph.node('ReduceSum', [value], { keepdims: attribute.int(0) });
}

/**
 * Weights of the pairs that attract each other, for two views of every example (first those of one view, then those of the other):
 * the views of one example, and of all examples that are not ignored. Each row's share is one over the number of rows, divided
 * evenly among its positives.
 * @param ignored 1 for examples that attract nothing but their own other view
 */
export function positivePairs(ignored: ArrayLike<number>): Float32Array {
  const examples = ignored.length;
  const rows = 2 * examples;
  const pairs = new Float32Array(rows * rows);
  let attracted = 0;
  for (let i = 0; i < examples; i++) if (ignored[i] !== 1) attracted++;
  for (let row = 0; row < rows; row++) {
    const own = row % examples;
    if (ignored[own] === 1) {
      pairs[row * rows + ((row + examples) % rows)] = 1 / rows;
      continue;
    }
    const share = 1 / (rows * (2 * attracted - 1));
    for (let other = 0; other < rows; other++)
      if (other !== row && ignored[other % examples] !== 1) pairs[row * rows + other] = share;
  }
  return pairs;
}
