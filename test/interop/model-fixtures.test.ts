import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../../compute/model/engine/model.ts';
import { readNpy } from '../../ingest/formats/npy/npy.ts';
import { sharedDir } from '../support/shared.ts';
import { largestDifference } from '../support/tensors.ts';

describe.skipIf(sharedDir === undefined)('recorded transformers runs', () => {
  describe('tiny-llama-a', () => {
    const folder = `${sharedDir}fixtures/fv/ref_tensors_llama_a`;
    let model: Model;
    beforeAll(async () => {
      model = await Model.load({ path: `${sharedDir}fixtures/fv/model_tiny-llama-a`, provider: 'cpu' });
    });
    afterAll(() => model.close());

    const recorded = async (name: string) => {
      const bytes = readFileSync(`${folder}/${name}.npy`);
      return readNpy(new Uint8Array(bytes));
    };

    it.each(['clean_t0', 'corrupt_t0', 'zeroshot_t1'])('%s: residuals, heads, logits', async (prompt) => {
      const tokens = (await recorded(`${prompt}.input_ids`)).toNumbers();
      const { layers } = model.info;
      const result = await model.forward({
        rows: [{ tokens }],
        capture: {
          residual: Array.from({ length: layers + 1 }, (_, point) => point),
          heads: Array.from({ length: layers }, (_, layer) => layer),
          positions: 'all',
          logits: true,
        },
      });
      const blocks = await recorded(`${prompt}.block_out`);
      const heads = await recorded(`${prompt}.head_pre_oproj`);
      for (let layer = 0; layer < layers; layer++) {
        expect(result.residual.get(layer + 1)!.data.length).toBe(blocks.select(0, layer).numel);
        expect(
          largestDifference(result.residual.get(layer + 1)!.data, blocks.select(0, layer).toFloat32()),
        ).toBeLessThan(1e-4);
        expect(
          largestDifference(result.heads.get(layer)!.data, heads.select(0, layer).toFloat32()),
        ).toBeLessThan(1e-4);
      }
      const embedded = (await recorded(`${prompt}.embed_out`)).toFloat32();
      expect(largestDifference(result.residual.get(0)!.data, embedded)).toBe(0);
      const logits = (await recorded(`${prompt}.logits_last`)).toFloat32();
      expect(largestDifference(result.logits!.data, logits)).toBeLessThan(1e-4);
    });
  });
});
