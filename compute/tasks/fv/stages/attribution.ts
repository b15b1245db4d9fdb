import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import { planRuns, type Unembedding } from '../../../model/index.ts';
import { attributionLines } from '../artifacts/addition-files.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { type HeadAttribution, logitDirection, normScale, throughProjection } from '../scores/attribution.ts';
import { cleanPrompt } from '../trials/prompts.ts';
import { putLines, type StageContext } from './context.ts';
import type { SweepResult } from './sweep.ts';

/** Prompts whose head outputs are held at a time. */
const PROMPTS = 64;

/** What each head that was swept writes towards the target itself, in the corrupted and in the clean prompts. */
export async function attributionStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  { scores }: SweepResult,
): Promise<void> {
  const { experiment, examined } = context;
  if (!experiment.additions.attribution) return;
  const targets = trials.map(({ prompt }) => prompt.target);
  const unembedding = await examined.unembeddingOf(targets);
  const corrupted = trials.map(({ prompt }) => prompt.tokens);
  const clean = trials.map(({ trial }) => examined.tokenizer.encode(cleanPrompt(trial)));
  const found = [
    await attributions(context, corrupted, targets, scores, unembedding),
    await attributions(context, clean, targets, scores, unembedding),
  ];
  const heads = scores.map(({ layer, head }, at): HeadAttribution => {
    const [ofCorrupted, ofClean] = found.map((byTrial) => byTrial.map((values) => values[at]!));
    return { layer, head, corrupted: ofCorrupted!, clean: ofClean! };
  });
  await putLines(context, 'runlake/head_attribution.jsonl', attributionLines(experiment, heads));
}

/** By prompt, in the order of the heads. */
async function attributions(
  context: StageContext,
  prompts: readonly (readonly number[])[],
  targets: readonly number[],
  heads: readonly HeadPlace[],
  unembedding: Unembedding,
): Promise<number[][]> {
  const { info } = context.examined.model;
  const { headDim } = info;
  const found: number[][] = prompts.map(() => new Array<number>(heads.length).fill(0));
  const layers = [...new Set(heads.map(({ layer }) => layer))];
  for (let from = 0; from < prompts.length; from += PROMPTS) {
    context.progress({ stage: 'attribution', done: from, total: prompts.length });
    const outputs = await lastOutputs(context, prompts.slice(from, from + PROMPTS), layers);
    // Layer by layer: a projection of a large model is not kept longer than it is needed.
    for (const layer of layers) {
      const projection = await context.examined.projectionOf(layer);
      const byTarget = new Map<number, Float64Array>();
      for (const [i, { residual, heads: values }] of outputs.entries()) {
        const target = targets[from + i]!;
        const weights =
          byTarget.get(target) ?? throughProjection(projection, logitDirection(unembedding, target));
        byTarget.set(target, weights);
        const scale = normScale(unembedding, residual);
        for (const [at, place] of heads.entries()) {
          if (place.layer !== layer) continue;
          const start = place.head * headDim;
          let sum = 0;
          for (let j = start; j < start + headDim; j++) sum += weights[j]! * values.get(layer)![j]!;
          found[from + i]![at] = sum / scale;
        }
      }
    }
  }
  return found;
}

/** What a prompt's last token has. */
interface LastOutputs {
  /** After the last block, `[D]`. */
  readonly residual: Float32Array;
  /** What the heads give, by layer `[H · d]`. */
  readonly heads: ReadonlyMap<number, Float32Array>;
}

async function lastOutputs(
  { examined, options }: StageContext,
  prompts: readonly (readonly number[])[],
  layers: readonly number[],
): Promise<LastOutputs[]> {
  const { model } = examined;
  const { layers: last, hidden, heads: count, headDim } = model.info;
  const { limits, reference = false, signal } = options;
  const plan = planRuns(
    model.info,
    { rows: prompts.map((tokens) => ({ tokens: tokens.length })) },
    reference ? { ...limits, maxRows: 1 } : limits,
  );
  const capture = { heads: layers, residual: [last] };
  const batches = plan.map((indices) => ({ rows: indices.map((i) => ({ tokens: prompts[i]! })), capture }));
  const outputs = new Array<LastOutputs>(prompts.length);
  const row = (data: Float32Array, at: number, width: number) => data.slice(at * width, (at + 1) * width);
  let batch = 0;
  await model.forward(
    { batches },
    ({ residual, heads }) => {
      for (const [at, prompt] of plan[batch++]!.entries()) {
        outputs[prompt] = {
          residual: row(residual.get(last)!.data, at, hidden),
          heads: new Map(layers.map((layer) => [layer, row(heads.get(layer)!.data, at, count * headDim)])),
        };
      }
    },
    signal,
  );
  return outputs;
}
