import type { Session } from '../../../model/engine/session.ts';
import { GraphBuilder } from '../../../model/graph/builder.ts';
import { attribute } from '../../../model/graph/graph.ts';
import { graphSession } from '../graph-session.ts';
import { aurocOf, indexOfBest } from '../linear/fit-path.ts';
import { matrixFeed } from '../network/training.ts';

/** Rows that are compared with the bank at once. */
const ROWS = 256;

/** Embeddings at length 1, with what the search has to know of each. */
export interface Embedded {
  /** rows x width */
  readonly vectors: Float32Array;
  /** Prompt of each. */
  readonly groups: readonly number[];
}

/** Distances between embeddings of length 1, on ONNX Runtime. */
export class Neighbours {
  readonly #products: Session;

  private constructor(products: Session) {
    this.#products = products;
  }

  static async open(width: number, threads?: number): Promise<Neighbours> {
    const graph = new GraphBuilder();
    const [rows, bank] = ['rows', 'bank'].map((name) => graph.input(name, 'float32', [name, width]));
    const products = graph.node('Gemm', [rows, bank], { transB: attribute.int(1) });
    graph.output('products', products, 'float32', ['rows', 'bank']);
    return new Neighbours(await graphSession(graph, threads));
  }

  /**
   * Distance of every row to its k-th nearest of a bank, for each k; where the bank has fewer, to the farthest. Rows of one prompt are
   * no neighbours of each other: they may be the same activation.
   * @returns by k, then by row
   */
  async distances(rows: Embedded, bank: Embedded, ks: readonly number[]): Promise<Float64Array[]> {
    const count = rows.groups.length;
    const width = rows.vectors.length / count;
    const size = bank.groups.length;
    const found = ks.map(() => new Float64Array(count));
    const others = new Float32Array(size);
    for (let start = 0; start < count; start += ROWS) {
      const end = Math.min(count, start + ROWS);
      const feeds = {
        rows: matrixFeed(rows.vectors.subarray(start * width, end * width), end - start),
        bank: matrixFeed(bank.vectors, size),
      };
      const products = (await this.#products.run(feeds, ['products'])).get('products')!.data;
      for (let row = start; row < end; row++) {
        let kept = 0;
        for (let i = 0, at = (row - start) * size; i < size; i++, at++)
          if (bank.groups[i] !== rows.groups[row]) others[kept++] = products[at]!;
        const sorted = others.subarray(0, kept).sort();
        ks.forEach((k, i) => {
          const cosine = sorted[Math.max(0, kept - k)] ?? -1;
          found[i]![row] = Math.sqrt(Math.max(0, 2 - 2 * cosine));
        });
      }
    }
    return found;
  }

  /** The k of some whose distances tell the labels of rows apart best, by AUROC; rows are left out of their own neighbours. */
  async bestK(
    rows: Embedded,
    labels: readonly number[],
    bank: Embedded,
    ks: readonly number[],
  ): Promise<{ readonly k: number; readonly auroc: number }> {
    const distances = await this.distances(rows, bank, ks);
    const aurocs = distances.map((own) => aurocOf(own, labels, () => true));
    const best = indexOfBest(aurocs);
    return { k: ks[best]!, auroc: aurocs[best]! };
  }

  close(): Promise<void> {
    return this.#products.release();
  }
}
