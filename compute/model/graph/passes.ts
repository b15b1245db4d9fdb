import { type Graph, type GraphNode, graphNode, type Initializer } from './graph.ts';
import { transformGraph } from './transform.ts';

/** Keeps the outputs that `wanted` accepts and only what they need. ONNX Runtime itself computes every output, fetched or not. */
export function keepOutputs(graph: Graph, wanted: (name: string) => boolean): Graph {
  const needed = new Set(graph.outputs.map((info) => info.name).filter(wanted));
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((name) => needed.has(name))) for (const name of node.inputs) needed.add(name);
  }
  return transformGraph(graph, {
    output: (info) => (wanted(info.name) ? info : undefined),
    node: (node) => (node.outputs.some((name) => needed.has(name)) ? node : undefined),
    initializer: (one) => (needed.has(one.name) ? one : undefined),
  });
}

/**
 * Merges nodes that compute the same and constants that are the same. Components ask for the shapes and constants they
 * need without knowing of each other; this makes one of each. Every operator in use is a pure function of its inputs.
 */
export function shareEqualValues(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((info) => info.name));
  const first = new Map<string, readonly string[]>();
  const sameAs = new Map<string, string>();
  /** True when an equal part came before; from then on its names stand for these. */
  const merged = (key: string, names: readonly string[]): boolean => {
    const earlier = first.get(key);
    // An output keeps its name, so its node stays.
    if (earlier === undefined || names.some((name) => outputs.has(name))) {
      if (earlier === undefined) first.set(key, names);
      return false;
    }
    for (const [i, name] of names.entries()) sameAs.set(name, earlier[i] ?? name);
    return true;
  };
  return transformGraph(graph, {
    use: (name) => sameAs.get(name) ?? name,
    initializer: (one) => (merged(constantKey(one), [one.name]) ? undefined : one),
    node: (node) => (merged(nodeKey(node), node.outputs) ? undefined : node),
  });
}

/**
 * Lets the node that computes an output carry the output's name where an `Identity` only renames it: ONNX Runtime would
 * copy, since others read the value too. A value that is several outputs keeps the `Identity` of all but one.
 */
export function nameOutputsAtSource(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((info) => info.name));
  const computed = new Set(graph.nodes.flatMap((node) => node.outputs));
  const nameOf = new Map<string, string>();
  for (const {
    operator,
    inputs,
    outputs: [name],
  } of graph.nodes) {
    const [value] = inputs;
    if (operator !== 'Identity' || value === undefined || name === undefined || !outputs.has(name)) continue;
    if (computed.has(value) && !outputs.has(value) && !nameOf.has(value)) nameOf.set(value, name);
  }
  const renamed = (name: string) => nameOf.get(name) ?? name;
  return transformGraph(graph, {
    use: renamed,
    node: (node) => {
      if (node.operator === 'Identity' && node.inputs[0] === node.outputs[0]) return undefined;
      return graphNode.create({ ...node, outputs: node.outputs.map(renamed) });
    },
  });
}

function constantKey({ type, shape, data }: Initializer): string {
  const content =
    data.kind === 'inline'
      ? Buffer.from(data.bytes).toString('base64')
      : `${data.location}\0${data.offset}\0${data.length}`;
  return JSON.stringify([data.kind, type, shape, content]);
}

function nodeKey({ operator, domain, inputs, outputs, attributes }: GraphNode): string {
  return JSON.stringify([operator, domain, inputs, outputs.length, attributes]);
}
