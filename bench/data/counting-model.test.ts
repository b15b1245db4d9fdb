import { expect, it } from 'vitest';
import { CountingModel } from './counting-model.ts';
import { randomPrompts } from './fv-prompts.ts';
import { FAST, infoOf, REFERENCE, sweep } from './fv-work.ts';

it('a head sweep computes the prompts twice, and each row from its layer on', async () => {
  const [layers, heads, trials, length] = [6, 8, 3, 40];
  const info = infoOf({ layers, heads, keyValueHeads: 4, headDim: 16, mlpWidth: 384, vocabulary: 5382 });
  const prompts = randomPrompts(trials, length, info.vocabulary);
  const counted = async (options: typeof FAST) => {
    const model = new CountingModel(info);
    await sweep(model, prompts, options);
    const { layerTokens, logits, runs } = model.work(4);
    return { layerTokens, logits, runs };
  };
  const readings = layers * heads + 1;
  const joining = heads * ((layers * (layers + 1)) / 2);
  expect(await counted(FAST)).toEqual({
    layerTokens: trials * ((2 * length - 1) * layers + layers + joining),
    logits: trials * readings,
    // Clean prompts, beginnings of the corrupted ones, all rows.
    runs: 3,
  });
  expect(await counted(REFERENCE)).toEqual({
    layerTokens: trials * (readings + 1) * length * layers,
    logits: trials * readings,
    runs: trials * (readings + 1),
  });
});
