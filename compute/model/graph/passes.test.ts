import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './builder.ts';
import { compileGraph } from './compile.ts';
import { attribute, type Graph } from './graph.ts';
import { keepOutputs, nameOutputsAtSource, shareEqualValues } from './passes.ts';
import { transformGraph } from './transform.ts';

/** `twice = 2x`, `more = 2x + 1`, with everything said twice. */
function example(): Graph {
  const b = new GraphBuilder();
  const x = b.input('x', 'float32', ['N']);
  const twice = b.node('Mul', [x, b.floats([2])]);
  const again = b.node('Mul', [x, b.floats([2])]);
  b.output('twice', twice, 'float32', ['N']);
  b.output('more', b.add(again, b.floats([1])), 'float32', ['N']);
  return b.build();
}

async function run(graph: Graph): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(compileGraph(graph));
  const results = await session.run({ x: new Tensor('float32', [1, 2, 3]) });
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]),
  );
}

describe('passes', () => {
  it('a pass that does nothing gives an equal graph, and ONNX Runtime takes it', async () => {
    const graph = example();
    expect(transformGraph(graph, {})).toEqual(graph);
    expect(await run(graph)).toEqual({ twice: [2, 4, 6], more: [3, 5, 7] });
  });

  it('makes one of equal values and computes the same', async () => {
    const graph = example();
    const shared = shareEqualValues(graph);
    expect(shared.nodes.map((node) => node.operator)).toEqual(['Mul', 'Identity', 'Add', 'Identity']);
    expect(shared.initializers).toHaveLength(2);
    expect(await run(shared)).toEqual(await run(graph));
    expect(shareEqualValues(shared)).toEqual(shared);
  });

  it('keeps apart what differs in an attribute', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', ['N']);
    for (const axis of [0, -1]) {
      b.output(`soft${axis}`, b.node('Softmax', [x], { axis: attribute.int(axis) }), 'float32', ['N']);
    }
    expect(shareEqualValues(b.build()).nodes).toHaveLength(4);
  });

  it('names outputs where they are computed', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', ['N']);
    const twice = b.node('Mul', [x, b.floats([2])]);
    for (const name of ['twice', 'again']) b.output(name, twice, 'float32', ['N']);
    b.output('more', b.add(twice, b.floats([1])), 'float32', ['N']);
    b.output('same', x, 'float32', ['N']);
    const named = nameOutputsAtSource(b.build());
    expect(named.nodes.map((node) => node.operator)).toEqual(['Mul', 'Identity', 'Add', 'Identity']);
    const expected = { twice: [2, 4, 6], again: [2, 4, 6], more: [3, 5, 7], same: [1, 2, 3] };
    expect(await run(named)).toEqual(expected);
  });

  it('keeps outputs and what they need', async () => {
    const kept = keepOutputs(example(), (name) => name === 'twice');
    expect(kept.nodes.map((node) => node.operator)).toEqual(['Mul', 'Identity']);
    expect(kept.initializers).toHaveLength(1);
    expect(await run(kept)).toEqual({ twice: [2, 4, 6] });
  });

  it('graphs are frozen', () => {
    const graph = example();
    expect(Object.isFrozen(graph.nodes) && graph.nodes.every(Object.isFrozen)).toBe(true);
  });
});
