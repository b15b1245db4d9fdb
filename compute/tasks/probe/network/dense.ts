import { GraphBuilder, type Value } from '../../../model/graph/builder.ts';
import { attribute } from '../../../model/graph/graph.ts';
import type { Random } from '../../../stats/index.ts';

/** A network of dense layers with ReLU between them. */
export interface DenseNetwork {
  /** Width of the input, of every hidden layer, of the output. */
  readonly widths: readonly number[];
  /** Share of each layer's inputs that training drops; one a layer. */
  readonly dropout: readonly number[];
}

/** Parameters of one layer: `weights` is inputs x outputs in C order. */
export interface DenseParameters {
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** Number of all parameters. */
export function parameterCount(widths: readonly number[]): number {
  return layersOf(widths).reduce((sum, [inputs, outputs]) => sum + (inputs + 1) * outputs, 0);
}

/** The parts of an array of all parameters, or of their gradients: views, no copies. */
export function parameterViews(widths: readonly number[], all: Float32Array): DenseParameters[] {
  let at = 0;
  const take = (length: number): Float32Array => {
    at += length;
    return all.subarray(at - length, at);
  };
  return layersOf(widths).map(([inputs, outputs]) => ({
    weights: take(inputs * outputs),
    biases: take(outputs),
    inputs,
    outputs,
  }));
}

/** Uniform within 1 / sqrt(inputs), weights and biases: what PyTorch's `Linear` begins with. */
export function initialParameters(widths: readonly number[], random: Random): Float32Array {
  const all = new Float32Array(parameterCount(widths));
  for (const { weights, biases, inputs } of parameterViews(widths, all)) {
    const bound = 1 / Math.sqrt(inputs);
    for (const part of [weights, biases])
      for (let i = 0; i < part.length; i++) part[i] = bound * (2 * random.next() - 1);
  }
  return all;
}

function layersOf(widths: readonly number[]): (readonly [inputs: number, outputs: number])[] {
  return widths.slice(1).map((outputs, layer) => [widths[layer]!, outputs] as const);
}

/** Weights and biases of a layer in a graph under construction. */
export interface DenseValues {
  readonly weights: Value;
  readonly biases: Value;
}

/** Parameters that every run of the graph is given, as `weights_0`, `biases_0`, … */
export function parameterInputs(graph: GraphBuilder, widths: readonly number[]): DenseValues[] {
  return layersOf(widths).map(([inputs, outputs], layer) => ({
    weights: graph.input(`weights_${layer}`, 'float32', [inputs, outputs]),
    biases: graph.input(`biases_${layer}`, 'float32', [outputs]),
  }));
}

/** Parameters that are part of the graph. */
export function parameterConstants(
  graph: GraphBuilder,
  parameters: readonly DenseParameters[],
): DenseValues[] {
  return parameters.map(({ weights, biases, inputs, outputs }) => ({
    weights: graph.floats(weights, [inputs, outputs]),
    biases: graph.floats(biases),
  }));
}

/** What the backward pass needs of the forward pass, layer by layer. */
interface Tape {
  readonly layers: readonly {
    readonly values: DenseValues;
    /** The layer's input, after dropout. */
    readonly input: Value;
    /** Factors of the input: 0 or 1 / (1 - rate); undefined without dropout. */
    readonly mask: Value | undefined;
  }[];
  readonly output: Value;
}

/** Rows x output. @param masks factors of the inputs of each layer; none for inference */
export function forward(
  graph: GraphBuilder,
  input: Value,
  parameters: readonly DenseValues[],
  masks: readonly (Value | undefined)[] = [],
): Tape {
  let value = input;
  const layers = parameters.map((values, layer) => {
    const mask = masks[layer];
    const hidden = layer === 0 ? value : graph.node('Relu', [value]);
    const kept = mask === undefined ? hidden : graph.node('Mul', [hidden, mask]);
    value = graph.node('Gemm', [kept, values.weights, values.biases]);
    return { values, input: kept, mask };
  });
  return { layers, output: value };
}

/**
 * Gradients by the parameters, of a loss whose gradient by the output is given.
 * @returns those of weights and biases, layer by layer
 */
export function backward(graph: GraphBuilder, { layers }: Tape, byOutput: Value): DenseValues[] {
  const found: DenseValues[] = [];
  let gradient = byOutput;
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const { values, input, mask } = layers[layer]!;
    found.unshift({
      weights: graph.node('Gemm', [input, gradient], { transA: attribute.int(1) }),
      biases: sum(graph, gradient, 0, false),
    });
    if (layer === 0) break;
    const byInput = graph.node('Gemm', [gradient, values.weights], { transB: attribute.int(1) });
    const byHidden = mask === undefined ? byInput : graph.node('Mul', [byInput, mask]);
    // A dropped input has no gradient whichever side of the kink it was on, so the kept one may stand for it.
    gradient = graph.node('Mul', [byHidden, graph.node('Sign', [input])]);
  }
  return found;
}

/** Sum along an axis. */
export function sum(graph: GraphBuilder, value: Value, axis: number, keep = true): Value {
  return graph.node('ReduceSum', [value, graph.integers([axis])], {
    keepdims: attribute.int(keep ? 1 : 0),
  });
}

/** The loss of a batch and its gradient by the network's output. */
export interface Loss {
  /** One number. */
  readonly loss: Value;
  readonly gradient: Value;
  /** Further numbers to be told of the batch, by name. */
  readonly told?: Readonly<Record<string, Value>>;
}

/**
 * The graph of one training step: from a batch (`features`, rows x input, and what the loss asks for) to `loss`, its gradients
 * `d_weights_0`, `d_biases_0`, … and what the loss tells.
 * @param lossOf builds the loss on rows x output
 */
export function trainingGraph(
  { widths, dropout }: DenseNetwork,
  lossOf: (graph: GraphBuilder, output: Value) => Loss,
): GraphBuilder {
  const graph = new GraphBuilder();
  const features = graph.input('features', 'float32', ['rows', widths[0]!]);
  const parameters = parameterInputs(graph, widths);
  const masks = dropout.map((rate, layer) =>
    rate > 0 ? graph.input(`mask_${layer}`, 'float32', ['rows', widths[layer]!]) : undefined,
  );
  const tape = forward(graph, features, parameters, masks);
  const { loss, gradient, told = {} } = lossOf(graph, tape.output);
  backward(graph, tape, gradient).forEach(({ weights, biases }, layer) => {
    graph.output(`d_weights_${layer}`, weights, 'float32', [widths[layer]!, widths[layer + 1]!]);
    graph.output(`d_biases_${layer}`, biases, 'float32', [widths[layer + 1]!]);
  });
  for (const [name, value] of Object.entries({ loss, ...told })) graph.output(name, value, 'float32', []);
  return graph;
}

/** The network alone, from `features` to `output`, with its parameters as inputs. */
export function forwardGraph({ widths }: Pick<DenseNetwork, 'widths'>): GraphBuilder {
  const graph = new GraphBuilder();
  const features = graph.input('features', 'float32', ['rows', widths[0]!]);
  const { output } = forward(graph, features, parameterInputs(graph, widths));
  graph.output('output', output, 'float32', ['rows', widths.at(-1)!]);
  return graph;
}
