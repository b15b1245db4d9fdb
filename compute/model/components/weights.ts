import type { LinearSpec } from '../architectures/decoder.ts';
import type { Checkpoint, Weight } from '../checkpoint/checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { attribute } from '../graph/graph.ts';

/** Element type of the arithmetic in a graph. Inputs and outputs of a graph are float32 whatever it is. */
export type ComputeType = 'float32' | 'float16' | 'bfloat16';

/**
 * The weights of a checkpoint as values of a graph: external data that point into its files, so nothing is read here.
 * Every use states the shape it needs; a checkpoint that disagrees with its own config.json is refused.
 */
export class WeightValues {
  readonly #builder: GraphBuilder;
  readonly #checkpoint: Checkpoint;
  readonly #compute: ComputeType;
  readonly #values = new Map<string, Value>();
  readonly #used = new Set<string>();

  constructor(builder: GraphBuilder, checkpoint: Checkpoint, compute: ComputeType) {
    this.#builder = builder;
    this.#checkpoint = checkpoint;
    this.#compute = compute;
  }

  /** A weight in the type of the arithmetic. ONNX Runtime folds the `Cast` and lets the stored bytes go. */
  value(name: string, shape: readonly number[]): Value {
    const { dtype } = this.#checked(name, shape);
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const stored = this.#stored(name, shape);
    const value = dtype === this.#compute ? stored : this.#builder.cast(stored, this.#compute);
    this.#values.set(name, value);
    return value;
  }

  /**
   * Rows of a table, by ids, in the type of the arithmetic. The table stays as it is stored (the rows are cast), so
   * ONNX Runtime maps the file and copies nothing.
   */
  rows(name: string, shape: readonly number[], ids: Value): Value {
    const rows = this.#builder.gather(this.#stored(name, shape), ids, 0);
    return this.#checked(name, shape).dtype === this.#compute
      ? rows
      : this.#builder.cast(rows, this.#compute);
  }

  /** Whether a component has read this weight. */
  uses(name: string): boolean {
    return this.#used.has(name);
  }

  /** `x · Wᵀ + b`: `[rows, inputs]` to `[rows, outputs]`. Emits one `Gemm`. */
  linear(x: Value, spec: LinearSpec, inputs: number, outputs: number): Value {
    const transposed = spec.layout !== 'in-out';
    const weight = this.value(spec.weight, transposed ? [outputs, inputs] : [inputs, outputs]);
    const bias = spec.bias === undefined ? undefined : this.value(spec.bias, [outputs]);
    return this.#builder.node('Gemm', bias === undefined ? [x, weight] : [x, weight, bias], {
      transB: attribute.int(transposed ? 1 : 0),
    });
  }

  #stored(name: string, shape: readonly number[]): Value {
    const { dtype, location, offset, length } = this.#checked(name, shape);
    this.#used.add(name);
    return this.#builder.external({
      name,
      type: dtype,
      shape,
      data: { kind: 'external', location, offset, length },
    });
  }

  #checked(name: string, shape: readonly number[]): Weight {
    const weight = this.#checkpoint.weights.get(name);
    if (weight === undefined) {
      throw new CheckpointError(
        `${this.#checkpoint.directory} has no tensor ${name} of a type that can be a weight`,
        {
          expected: `F32, F16 or BF16 of shape [${shape.join(', ')}], as config.json says`,
        },
      );
    }
    if (weight.shape.length !== shape.length || weight.shape.some((size, axis) => size !== shape[axis])) {
      throw new CheckpointError(`tensor ${name} has the shape [${weight.shape.join(', ')}]`, {
        where: { file: weight.shard.name },
        expected: `[${shape.join(', ')}], as config.json says`,
      });
    }
    return weight;
  }
}
