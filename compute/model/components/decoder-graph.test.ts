import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { largestDifference } from '../../../test/support/tensors.ts';
import { describeDecoder } from '../architectures/architectures.ts';
import { type Checkpoint, openCheckpoint } from '../checkpoint/checkpoint.ts';
import { feedsOf } from '../engine/feeds.ts';
import { emptyPrefix, RowKeyValues } from '../engine/key-values.ts';
import { compileGraph } from '../graph/compile.ts';
import type { Graph } from '../graph/graph.ts';
import { keepOutputs } from '../graph/passes.ts';
import { writeCheckpoint } from '../testing.ts';
import { buildDecoderGraph } from './decoder-graph.ts';
import type { ComputeType } from './weights.ts';

let checkpoint: Checkpoint;
beforeAll(async () => {
  checkpoint = await openCheckpoint(await writeCheckpoint(await mkdtemp(join(tmpdir(), 'runlake-graph-'))));
});
afterAll(() => rm(checkpoint.directory, { recursive: true }));

const graphOf = (compute: ComputeType) => {
  const { architecture, decoder } = describeDecoder(checkpoint);
  return { decoder, graph: buildDecoderGraph(checkpoint, architecture, decoder, compute) };
};

/** Runs a graph on two rows, one with an edit of each kind, and gives its logits. */
async function logits(graph: Graph): Promise<Float32Array> {
  const { decoder } = graphOf('float32');
  const sizes = { layers: 2, keyValueHeads: 1, headDim: 4 };
  const feeds = feedsOf(
    decoder,
    {
      rows: [
        { tokens: [1, 2, 3] },
        {
          tokens: [4, 5],
          replace: { table: 0, heads: [{ layer: 1, head: 0 }] },
          add: { table: 0, points: [{ point: 1, scale: 0.5 }] },
        },
      ],
      headTables: [new Float32Array(16).fill(0.3)],
      residualTables: [new Float32Array(24).fill(0.2)],
      capture: { logits: true },
    },
    { prefix: emptyPrefix(sizes), past: new RowKeyValues(sizes, 2) },
  );
  const session = await InferenceSession.create(compileGraph(graph), {
    extra: { session: { model_external_initializers_file_folder_path: checkpoint.folder } },
  });
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, shape }]) => [name, new Tensor(type, data, shape)]),
  );
  const result = await session.run(tensors, ['logits']);
  await session.release();
  return Float32Array.from(result['logits']!.data as Float32Array);
}

describe('the unified graph', () => {
  it('points into the weight files instead of holding weights', () => {
    const { graph } = graphOf('float32');
    const external = graph.initializers.filter((one) => one.data.kind === 'external');
    expect(external.map((one) => one.name).sort()).toEqual([...checkpoint.weights.keys()].sort());
    expect(compileGraph(graph).length).toBeLessThan(60_000);
  });

  it('asks for nothing a block that all blocks share', () => {
    const { graph } = graphOf('float32');
    const count = (operator: string) => graph.nodes.filter((node) => node.operator === operator).length;
    expect({ cos: count('Cos'), mask: count('LessOrEqual'), linear: count('Gemm') }).toEqual({
      cos: 1,
      mask: 1,
      linear: 2 * 7 + 1,
    });
  });

  it('computes the same in half precision, up to its rounding', async () => {
    const single = await logits(graphOf('float32').graph);
    const half = await logits(graphOf('float16').graph);
    const scale = Math.max(...single.map(Math.abs));
    expect(largestDifference(half, single)).toBeLessThan(0.02 * scale);
    expect(largestDifference(half, single)).toBeGreaterThan(0);
  });

  it('computes the same when all but one output is cut off', async () => {
    const { graph } = graphOf('float32');
    const cut = keepOutputs(graph, (name) => name === 'logits');
    expect(cut.outputs).toHaveLength(1);
    expect(await logits(cut)).toEqual(await logits(graph));
  });
});
