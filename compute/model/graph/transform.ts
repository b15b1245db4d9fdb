import { type Graph, type GraphNode, graph, graphNode, type Initializer, type ValueInfo } from './graph.ts';

/** What a pass does with the parts of a graph. `undefined` drops the part; a missing method keeps it. */
export interface GraphTransformer {
  /** Called in order, so that a node's inputs have been seen before it. */
  node?(node: GraphNode): GraphNode | undefined;
  initializer?(one: Initializer): Initializer | undefined;
  output?(info: ValueInfo): ValueInfo | undefined;
  /** Called for every name a node or an output reads, before the part itself. */
  use?(name: string): string;
}

/** The one way a pass walks over a graph: initializers, nodes, outputs; inputs are the contract and stay. */
export function transformGraph(source: Graph, by: GraphTransformer): Graph {
  const use = (name: string) => by.use?.(name) ?? name;
  const renamed = (node: GraphNode): GraphNode => {
    if (by.use === undefined) return node;
    const inputs = node.inputs.map(use);
    return inputs.every((name, i) => name === node.inputs[i]) ? node : graphNode.create({ ...node, inputs });
  };
  return graph.create({
    inputs: source.inputs,
    initializers: kept(source.initializers, (one) =>
      by.initializer === undefined ? one : by.initializer(one),
    ),
    nodes: kept(source.nodes, (node) => {
      const seen = renamed(node);
      return by.node === undefined ? seen : by.node(seen);
    }),
    outputs: kept(source.outputs, (info) => (by.output === undefined ? info : by.output(info))),
  });
}

function kept<T>(parts: readonly T[], map: (part: T) => T | undefined): T[] {
  const out: T[] = [];
  for (const part of parts) {
    const mapped = map(part);
    if (mapped !== undefined) out.push(mapped);
  }
  return out;
}
