import {
  type Attribute,
  attribute,
  type Domain,
  type ElementType,
  elementTypes,
  type Graph,
  type GraphNode,
  graph,
  graphNode,
  type Initializer,
  initializer,
  type ValueInfo,
  valueInfo,
} from './graph.ts';

declare const valueBrand: unique symbol;
/** The name of a value in the graph under construction. */
export type Value = string & { readonly [valueBrand]: true };

/** Collects the parts of a graph. Values are made by its methods only, so no node can name what is not there. */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  #names = 0;

  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value {
    this.#inputs.push(valueInfo.create({ name, type, shape }));
    return asValue(name);
  }

  /** Publishes a value under a name. Emits `Identity`, so that one value may be several outputs. */
  output(name: string, value: Value, type: ElementType, shape: readonly (number | string)[]): void {
    this.#emit('Identity', [value], [name]);
    this.#outputs.push(valueInfo.create({ name, type, shape }));
  }

  /** Emits one operation with one output. `undefined` leaves an optional input out. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: Domain = '',
  ): Value {
    const output = this.#name();
    this.#emit(operator, inputs, [output], attributes, domain);
    return output;
  }

  /** Emits one operation with several outputs. */
  nodes(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: Domain = '',
  ): Value[] {
    const names = Array.from({ length: outputs }, () => this.#name());
    this.#emit(operator, inputs, names, attributes, domain);
    return names;
  }

  #emit(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: Domain = '',
  ): void {
    const named = inputs.map((name) => name ?? '');
    this.#nodes.push(graphNode.create({ operator, domain, inputs: named, outputs, attributes }));
  }

  #name(): Value {
    return asValue(`v${this.#names++}`);
  }

  /** A constant of the graph itself; `shape` defaults to one dimension. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant('int64', shape, bytes);
  }

  floats(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Value {
    return this.#constant('float32', shape, new Uint8Array(Float32Array.from(values).buffer));
  }

  /** A constant that lies in a file; asking again for the same name gives the same value. */
  external(one: Initializer): Value {
    if (!this.#initializers.has(one.name)) this.#initializers.set(one.name, initializer.create(one));
    return asValue(one.name);
  }

  #constant(type: ElementType, shape: readonly number[], bytes: Uint8Array): Value {
    const name = this.#name();
    this.#initializers.set(name, initializer.create({ name, type, shape, data: { kind: 'inline', bytes } }));
    return name;
  }

  // Shorthands for operators that stand in every component.

  /** To sizes known now, of which one may be -1, or to sizes of the run, of which any may be zero. */
  reshape(value: Value, shape: Value | readonly number[]): Value {
    if (typeof shape !== 'string') return this.node('Reshape', [value, this.integers(shape)]);
    // Without the attribute a zero would mean the size that the value has there.
    return this.node('Reshape', [value, shape], { allowzero: attribute.int(1) });
  }

  transpose(value: Value, permutation: readonly number[]): Value {
    return this.node('Transpose', [value], { perm: attribute.ints(permutation) });
  }

  cast(value: Value, type: ElementType): Value {
    return this.node('Cast', [value], { to: attribute.int(elementTypes[type]) });
  }

  unsqueeze(value: Value, axes: readonly number[]): Value {
    return this.node('Unsqueeze', [value, this.integers(axes)]);
  }

  squeeze(value: Value, axes: readonly number[]): Value {
    return this.node('Squeeze', [value, this.integers(axes)]);
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.node('Concat', values, { axis: attribute.int(axis) });
  }

  gather(value: Value, indices: Value, axis: number): Value {
    return this.node('Gather', [value, indices], { axis: attribute.int(axis) });
  }

  /** Parts of the given sizes along an axis; sizes may be zero. */
  split(value: Value, sizes: Value, parts: number, axis: number): Value[] {
    return this.nodes('Split', [value, sizes], parts, { axis: attribute.int(axis) });
  }

  /** Equal parts along an axis whose size is a multiple of their number. */
  splitEvenly(value: Value, parts: number, axis: number): Value[] {
    return this.nodes('Split', [value], parts, {
      axis: attribute.int(axis),
      num_outputs: attribute.int(parts),
    });
  }

  add(left: Value, right: Value): Value {
    return this.node('Add', [left, right]);
  }

  /** One dimension of a value as a tensor of one integer. */
  dimension(value: Value, axis: number): Value {
    return this.node('Shape', [value], { start: attribute.int(axis), end: attribute.int(axis + 1) });
  }

  /** `0, 1, …` up to a count (a tensor of one integer). */
  range(count: Value): Value {
    return this.node('Range', [this.integers([0], []), this.squeeze(count, [0]), this.integers([1], [])]);
  }

  build(): Graph {
    return graph.create({
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }
}

function asValue(name: string): Value {
  return name as Value;
}
