import type { Feed, Session } from '../../../model/engine/session.ts';
import { GraphBuilder, type Value } from '../../../model/graph/builder.ts';
import { attribute } from '../../../model/graph/graph.ts';
import { graphSession } from '../graph-session.ts';

/** Weights of several linear models of the same features: one row of `dim` a model. */
export interface Models {
  readonly count: number;
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/** Rows x models, in C order. */
export interface Targets {
  /** 1 for the positive class. */
  readonly labels: Float32Array;
  /** What the row counts in the loss of the model; 0 leaves it out. */
  readonly weights: Float32Array;
}

/** What a block of rows adds to the losses of models and to their gradients. */
export interface LossParts {
  /** Rows x models: weighted cross entropy. */
  readonly losses: Float32Array;
  /** Rows x models: derivative of the loss by the logit. */
  readonly residuals: Float32Array;
  /** Models x dim. */
  readonly gradients: Float32Array;
}

/**
 * Products of a block of rows with many models at once, on ONNX Runtime: one pass over the features serves every fold,
 * regularisation and labelling. A call blocks the thread while it computes; callers keep blocks small.
 */
export class Products {
  readonly #loss: Session;
  readonly #logits: Session;
  readonly #sums: Session;

  private constructor(loss: Session, logits: Session, sums: Session) {
    this.#loss = loss;
    this.#logits = logits;
    this.#sums = sums;
  }

  static async open(threads?: number): Promise<Products> {
    const open = (build: (graph: GraphBuilder) => void): Promise<Session> => {
      const graph = new GraphBuilder();
      build(graph);
      return graphSession(graph, threads);
    };
    return new Products(await open(lossGraph), await open(logitGraph), await open(sumGraph));
  }

  /** Cross entropies of `rows` rows of features under all models, and their gradients. */
  async loss(features: Float32Array, rows: number, models: Models, targets: Targets): Promise<LossParts> {
    const found = await this.#loss.run(
      {
        ...feedsOf(features, rows, models),
        labels: matrix(targets.labels, rows),
        row_weights: matrix(targets.weights, rows),
      },
      ['losses', 'residuals', 'gradients'],
    );
    return {
      losses: found.get('losses')!.data,
      residuals: found.get('residuals')!.data,
      gradients: found.get('gradients')!.data,
    };
  }

  /** Logits, rows x models. */
  async logits(features: Float32Array, rows: number, models: Models): Promise<Float32Array> {
    const found = await this.#logits.run(feedsOf(features, rows, models), ['logits']);
    return found.get('logits')!.data;
  }

  /** Weighted sums of features and of their squares: sets x dim each; `weights` is rows x sets. */
  async sums(
    features: Float32Array,
    rows: number,
    weights: Float32Array,
  ): Promise<{ readonly sums: Float32Array; readonly squares: Float32Array }> {
    const found = await this.#sums.run(
      { features: matrix(features, rows), row_weights: matrix(weights, rows) },
      ['sums', 'squares'],
    );
    return { sums: found.get('sums')!.data, squares: found.get('squares')!.data };
  }

  async close(): Promise<void> {
    for (const session of [this.#loss, this.#logits, this.#sums]) await session.release();
  }
}

function matrix(data: Float32Array, rows: number): Feed {
  return { type: 'float32', data, shape: [rows, data.length / rows] };
}

function feedsOf(features: Float32Array, rows: number, models: Models): Record<string, Feed> {
  return {
    features: matrix(features, rows),
    weights: matrix(models.weights, models.count),
    biases: matrix(models.biases, 1),
  };
}

function logitsOf(graph: GraphBuilder): { readonly features: Value; readonly logits: Value } {
  const features = graph.input('features', 'float32', ['rows', 'dim']);
  const weights = graph.input('weights', 'float32', ['models', 'dim']);
  const biases = graph.input('biases', 'float32', [1, 'models']);
  return {
    features,
    logits: graph.node('Gemm', [features, weights, biases], { transB: attribute.int(1) }),
  };
}

function logitGraph(graph: GraphBuilder): void {
  graph.output('logits', logitsOf(graph).logits, 'float32', ['rows', 'models']);
}

/** loss = w (log(1 + e^z) - y z), its derivative by z = w (1 / (1 + e^-z) - y). */
function lossGraph(graph: GraphBuilder): void {
  const { features, logits } = logitsOf(graph);
  const labels = graph.input('labels', 'float32', ['rows', 'models']);
  const rowWeights = graph.input('row_weights', 'float32', ['rows', 'models']);
  const subtract = (a: Value, b: Value): Value => graph.node('Sub', [a, b]);
  const weighted = (value: Value): Value => graph.node('Mul', [rowWeights, value]);
  const losses = weighted(subtract(graph.node('Softplus', [logits]), graph.node('Mul', [labels, logits])));
  const residuals = weighted(subtract(graph.node('Sigmoid', [logits]), labels));
  const gradients = graph.node('Gemm', [residuals, features], { transA: attribute.int(1) });
  graph.output('losses', losses, 'float32', ['rows', 'models']);
  graph.output('residuals', residuals, 'float32', ['rows', 'models']);
  graph.output('gradients', gradients, 'float32', ['models', 'dim']);
}

function sumGraph(graph: GraphBuilder): void {
  const features = graph.input('features', 'float32', ['rows', 'dim']);
  const rowWeights = graph.input('row_weights', 'float32', ['rows', 'sets']);
  const sum = (value: Value): Value => graph.node('Gemm', [rowWeights, value], { transA: attribute.int(1) });
  graph.output('sums', sum(features), 'float32', ['sets', 'dim']);
  graph.output('squares', sum(graph.node('Mul', [features, features])), 'float32', ['sets', 'dim']);
}
