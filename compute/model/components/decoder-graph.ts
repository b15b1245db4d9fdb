import type { Architecture, DecoderSpec } from '../architectures/decoder.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { GraphBuilder, type Value } from '../graph/builder.ts';
import { attribute, type Graph } from '../graph/graph.ts';
import { nameOutputsAtSource, shareEqualValues } from '../graph/passes.ts';
import { attention, type GraphContext } from './attention.ts';
import { createFrame } from './frame.ts';
import { declareInputs } from './inputs.ts';
import { outputNames, rowsAt } from './interface.ts';
import { createInterventions } from './interventions.ts';
import { mlp } from './mlp.ts';
import { norm } from './norm.ts';
import { type ComputeType, WeightValues } from './weights.ts';

/** Raise with every change that can change a number that a graph computes; verdicts and results name it. */
export const GRAPH_VERSION = 2;

/**
 * Writes the unified graph of a decoder: any batch, any lengths, shared prefixes, rows that join late, interventions, every tap
 * (interface.ts has its inputs and outputs).
 * @throws CheckpointError a tensor is missing, has another shape than config.json says, or belongs to nothing here
 */
export function buildDecoderGraph(
  checkpoint: Checkpoint,
  architecture: Architecture,
  decoder: DecoderSpec,
  compute: ComputeType = 'float32',
): Graph {
  const builder = new GraphBuilder();
  const weights = new WeightValues(builder, checkpoint, compute);
  const inputs = declareInputs(builder, decoder);
  const frame = createFrame(builder, decoder, inputs, compute);
  const interventions = createInterventions(builder, decoder, inputs, frame, compute);
  const context: GraphContext = { builder, decoder, weights, inputs, frame, interventions, compute };

  let residual = tapResidual(context, embed(context), 0);
  for (const [layer, block] of decoder.blocks.entries()) {
    const { hidden, heads: headCount, headDim } = decoder;
    const x = norm(builder, weights, residual, block.attentionNorm, hidden);
    const { heads, keys, values } = attention(context, block.attention, layer, x);
    const replaced = interventions.replaceHeads(heads, layer);
    tap(context, outputNames.heads(layer), replaced, [rowsAt(layer), 'S', headCount, headDim]);
    tap(context, outputNames.keys(layer), keys, [decoder.keyValueHeads, rowsAt(layer), 'S', headDim]);
    tap(context, outputNames.values(layer), values, [decoder.keyValueHeads, rowsAt(layer), 'S', headDim]);
    const width = headCount * headDim;
    const mixed = weights.linear(
      builder.reshape(replaced, [-1, width]),
      block.attention.output,
      width,
      hidden,
    );
    const middle = builder.add(residual, mixed);
    const y = norm(builder, weights, middle, block.mlpNorm, hidden);
    residual = builder.add(middle, mlp(builder, weights, y, block.mlp, hidden));
    residual = tapResidual(context, goOn(context, residual, layer + 1), layer + 1);
  }
  predict(context, residual);
  refuseStrangers(checkpoint, architecture, decoder, weights);
  return nameOutputsAtSource(shareEqualValues(builder.build()));
}

/** Token embeddings, plus those of the positions where they are learned: [B0 · S, D]. */
function embed({ builder: b, decoder, weights, inputs, frame }: GraphContext): Value {
  const { vocabulary, hidden, contextLength } = decoder;
  let rows = weights.rows(decoder.tokenEmbedding, [vocabulary, hidden], inputs.tokens);
  if (decoder.positionEmbedding !== undefined) {
    // Padding may stand behind the last position there is.
    const position = b.node('Min', [frame.positions, b.integers([contextLength - 1], [])]);
    rows = b.add(rows, weights.rows(decoder.positionEmbedding, [contextLength, hidden], position));
  }
  return b.reshape(rows, [-1, hidden]);
}

/** The rows of a point, each going on from its source of the point before. */
function goOn({ builder: b, frame, decoder }: GraphContext, residual: Value, point: number): Value {
  const rows = b.reshape(residual, frame.shape(frame.rows(point - 1), frame.tokens, decoder.hidden));
  return b.reshape(b.gather(rows, frame.sources(point), 0), [-1, decoder.hidden]);
}

/** Applies the additions at a point of the residual stream and publishes it. */
function tapResidual(context: GraphContext, residual: Value, index: number): Value {
  const edited = context.interventions.addToResidual(residual, index);
  tap(context, outputNames.residual(index), edited, [`${rowsAt(index)} · S`, context.decoder.hidden]);
  return edited;
}

/** Final norm, and at the positions to read: logits, the best token, logits and log-probabilities of the targets. */
function predict(context: GraphContext, residual: Value): void {
  const { builder: b, decoder, weights, inputs, frame } = context;
  const { hidden, vocabulary } = decoder;
  const end = decoder.blocks.length;
  const rows = frame.rows(end);
  const final = norm(b, weights, residual, decoder.finalNorm, hidden);
  tap(context, outputNames.final, final, [`${rowsAt(end)} · S`, hidden]);
  // Before the output matrix, which is the largest of all: only positions that are asked for go through it.
  const firstOfRow = b.unsqueeze(b.node('Mul', [b.range(rows), frame.tokens]), [1]);
  const picked = b.gather(final, b.reshape(b.add(firstOfRow, inputs.readPositions), [-1]), 0);
  const typed = weights.linear(picked, decoder.head, hidden, vocabulary);
  const logits = context.compute === 'float32' ? typed : b.cast(typed, 'float32');
  b.output(outputNames.logits, logits, 'float32', ['R', vocabulary]);
  const best = b.node('ArgMax', [logits], { axis: attribute.int(-1), keepdims: attribute.int(0) });
  // As a float like all outputs; exact, for vocabularies are far smaller than 2^24.
  b.output(outputNames.best, b.cast(best, 'float32'), 'float32', ['R']);
  const logProbabilities = b.node('LogSoftmax', [logits], { axis: attribute.int(-1) });
  for (const [name, values] of [
    [outputNames.targetLogits, logits],
    [outputNames.logProbabilities, logProbabilities],
  ] as const) {
    const ofTargets = b.node('GatherElements', [values, inputs.targets], { axis: attribute.int(1) });
    b.output(name, ofTargets, 'float32', ['R', 'T']);
  }
}

function tap(
  { builder, compute }: GraphContext,
  name: string,
  value: Value,
  shape: (number | string)[],
): void {
  const float = compute === 'float32' ? value : builder.cast(value, 'float32');
  builder.output(name, float, 'float32', shape);
}

/** A weight that no component read means that the model computes something else than this graph. */
function refuseStrangers(
  checkpoint: Checkpoint,
  { buffers }: Architecture,
  decoder: DecoderSpec,
  weights: WeightValues,
): void {
  for (const name of checkpoint.weights.keys()) {
    if (weights.uses(name) || buffers?.test(name) === true) continue;
    // Saved by some tools although the model ties it to the embedding, which is what counts.
    if (name === 'lm_head.weight' && decoder.head.weight === decoder.tokenEmbedding) continue;
    throw new CheckpointError(
      `${checkpoint.directory} holds a tensor ${name} that its model_type does not have`,
      {
        expected: `the tensors of ${checkpoint.config.model_type}`,
        remedy: 'adapters are to be merged into the model before it is saved',
      },
    );
  }
}
