import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import { type FvModel, type RunOptions, readUnder, type TrialSweep } from '../sweep/readings.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { headMean } from './function-vector.ts';

/**
 * Reads a prompt as it is and with the mean of each head added to what that head gives at the last token, before its layer's out-projection:
 * the parts of the function vector, each where its head writes, instead of their sum after one block. Layer by layer from
 * below, because what a head gives depends on what was added before it.
 * @param means of the heads over clean prompts, `[L, H, d]`
 */
export async function distribute(
  model: FvModel,
  prompt: PromptTokens,
  heads: readonly HeadPlace[],
  means: Float32Array,
  alpha: number,
  options: RunOptions,
): Promise<TrialSweep> {
  const { info } = model;
  const table = new Float32Array(means.length);
  const replaced: HeadPlace[] = [];
  const replace = () => ({ table: 0, heads: replaced });
  for (const layer of [...new Set(heads.map((head) => head.layer))].sort((a, b) => a - b)) {
    const own = heads.filter((head) => head.layer === layer);
    const values = await outputsOf(model, prompt, layer, replace(), table, options);
    for (const place of own) {
      const at = place.head * info.headDim;
      const sum = headMean(table, info, place);
      const mean = headMean(means, info, place);
      for (let i = 0; i < sum.length; i++) sum[i] = values[at + i]! + alpha * mean[i]!;
    }
    replaced.push(...own);
  }
  const task = {
    prompts: [prompt],
    interventions: [{ replace: replace() }],
    tables: { headTables: [table] },
  };
  const [sweep] = await readUnder(model, task, options);
  return sweep!;
}

/** What the heads of a layer give at the last token while others are replaced, `[H · d]`. */
async function outputsOf(
  model: FvModel,
  { tokens }: PromptTokens,
  layer: number,
  replace: { readonly table: number; readonly heads: readonly HeadPlace[] },
  table: Float32Array,
  { reference = false, signal }: RunOptions,
): Promise<Float32Array> {
  const [prefix, own] = reference ? [[], tokens] : [tokens.slice(0, -1), tokens.slice(-1)];
  const batch = { rows: [{ tokens: own, replace }], headTables: [table], capture: { heads: [layer] } };
  let values: Float32Array | undefined;
  await model.forward(
    { prefix, batches: [batch] },
    ({ heads }) => {
      values = heads.get(layer)!.data;
    },
    signal,
  );
  return values!;
}
