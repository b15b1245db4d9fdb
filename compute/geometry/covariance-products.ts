import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../model/graph/builder.ts';
import { compileGraph } from '../model/graph/compile.ts';
import { attribute, elementTypes } from '../model/graph/graph.ts';

/**
 * Products of blocks of vectors with a few directions, in doubles on ONNX Runtime. A call blocks the thread while it computes:
 * callers keep blocks small.
 */
export class CovarianceProducts {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(threads?: number): Promise<CovarianceProducts> {
    const session = await InferenceSession.create(compileGraph(productGraph()), {
      executionProviders: ['cpu'],
      enableCpuMemArena: false,
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(threads !== undefined && { intraOpNumThreads: threads }),
      // Threads that wait for the next block would keep other requests from the processor.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return new CovarianceProducts(session);
  }

  /**
   * What a block adds to (X - mean)ᵀ (X - mean) D.
   * @param block rows x dim
   * @param directions count x dim, one after the other
   * @returns count x dim
   */
  async apply(
    block: { readonly rows: number; readonly data: Float32Array },
    mean: Float64Array,
    directions: Float64Array,
  ): Promise<Float64Array> {
    const dim = mean.length;
    const { products } = await this.#session.run({
      vectors: new Tensor('float32', block.data, [block.rows, dim]),
      mean: new Tensor('float64', mean, [dim]),
      directions: new Tensor('float64', directions, [directions.length / dim, dim]),
    });
    if (!(products?.data instanceof Float64Array)) throw new TypeError('the products are no doubles');
    return products.data;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function productGraph() {
  const graph = new GraphBuilder();
  const vectors = graph.input('vectors', 'float32', ['rows', 'dim']);
  const mean = graph.input('mean', 'float64', ['dim']);
  const directions = graph.input('directions', 'float64', ['count', 'dim']);
  const doubles = graph.node('Cast', [vectors], { to: attribute.int(elementTypes.float64) });
  const centred = graph.node('Sub', [doubles, mean]);
  const scores = graph.node('Gemm', [centred, directions], { transB: attribute.int(1) });
  const products = graph.node('Gemm', [scores, centred], { transA: attribute.int(1) });
  graph.output('products', products, 'float64', ['count', 'dim']);
  return graph.build();
}
