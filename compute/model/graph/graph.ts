/**
 * An ONNX graph as frozen, serialisable data: the builder makes it, passes map it, the compiler prints it as protobuf.
 */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Names of element types, with their numbers in ONNX's TensorProto.DataType. */
export const elementTypes = {
  float32: 1,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;
export type ElementType = keyof typeof elementTypes;

/** The sets of operators in use: ONNX's own and ONNX Runtime's. */
export type Domain = '' | 'com.microsoft';

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

/** One operation; values are named by strings, an empty name leaves an optional input out. */
export interface GraphNode {
  readonly operator: string;
  readonly domain: Domain;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant: little-endian bytes in the graph, or a stretch of a file beside it. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array }
    | {
        readonly kind: 'external';
        readonly location: string;
        readonly offset: number;
        readonly length: number;
      };
}

/** A graph input or output; a dimension is a size or the name of one that is known at run time only. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export const attribute = {
  int: (value: number): Attribute => Object.freeze({ kind: 'int', value }),
  float: (value: number): Attribute => Object.freeze({ kind: 'float', value }),
  text: (value: string): Attribute => Object.freeze({ kind: 'text', value }),
  ints: (value: readonly number[]): Attribute =>
    Object.freeze({ kind: 'ints', value: Object.freeze([...value]) }),
};

export const graphNode = {
  create: (node: GraphNode): GraphNode =>
    Object.freeze({
      ...node,
      inputs: Object.freeze([...node.inputs]),
      outputs: Object.freeze([...node.outputs]),
      attributes: Object.freeze({ ...node.attributes }),
    }),
};

export const initializer = {
  create: (one: Initializer): Initializer => Object.freeze({ ...one, shape: Object.freeze([...one.shape]) }),
};

export const valueInfo = {
  create: (info: ValueInfo): ValueInfo => Object.freeze({ ...info, shape: Object.freeze([...info.shape]) }),
};

export const graph = {
  create: (parts: Graph): Graph =>
    Object.freeze({
      nodes: Object.freeze([...parts.nodes]),
      initializers: Object.freeze([...parts.initializers]),
      inputs: Object.freeze([...parts.inputs]),
      outputs: Object.freeze([...parts.outputs]),
    }),
};
