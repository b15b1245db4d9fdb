import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { fvTaskWith } from '../../compute/tasks/fv/fv.ts';
import { openHere } from '../../compute/tasks/fv/testing.ts';
import { sharedDir } from '../support/shared.ts';
import { taskLake } from '../support/task-lake.ts';

const fixtures = `${sharedDir}fixtures/fv/`;
const checkpoint = `${fixtures}model_tiny-llama-a`;

it.skipIf(sharedDir === undefined)(
  'a function-vector job writes runs that are read without an issue, and skips a query with too few rows',
  async () => {
    const lake = await taskLake({}, {}, [fvTaskWith(await openHere(checkpoint))]);
    try {
      const { id, result } = await lake.run('fv', {
        model: { path: checkpoint, memoryBytes: 4e6 },
        relation: `${fixtures}relationA_ex.csv`,
        queries: ['Q3', 'Q14'],
        trials: 5,
        demos: 9,
        topk: 5,
      });
      expect(result).toEqual({
        queries: { Q3: 'completed', Q14: 'skipped' },
        runIds: ['main/fv/relationA_ex/Q14/model_tiny-llama-a', 'main/fv/relationA_ex/Q3/model_tiny-llama-a'],
      });
      const [skipped, completed] = lake.reports.at(-1)?.runs ?? [];
      expect(skipped?.issues.map(({ code, message }) => [code, message])).toEqual([
        ['RUN_SKIPPED', 'insufficient rows (7 < 10)'],
      ]);
      expect(completed?.issues).toEqual([]);
      expect(completed?.rows).toMatchObject({
        runs: 1,
        fv_heads: 32,
        fv_trials: 160,
        fv_injections: 4,
        fv_injection_trials: 20,
      });
      const relation = `jobs/${id}/runs/results_fv/relation_qwise/relationA_ex`;
      const read = async (name: string) =>
        Buffer.from(await lake.services.store.get(`${relation}/${name}`)).toString();
      const effects = effectsOf(await read('Q3/artifacts/stepE_eval.json'));
      const recorded = `${fixtures}run_small_llama_a/relationA_ex/Q3/artifacts/stepE_eval.json`;
      const reference = effectsOf(readFileSync(recorded, 'utf8'));
      expect(effects).toHaveLength(5);
      for (const [i, effect] of effects.entries()) expect(effect).toBeCloseTo(reference[i]!, 4);

      const members = (text: string) =>
        Object.keys(z.record(z.string(), z.unknown()).parse(JSON.parse(text)));
      for (const name of ['_status/run_meta.json', '_status/run_summary.json']) {
        const contract = readFileSync(`${fixtures}run_full_llama_a/relationA_ex/${name}`, 'utf8');
        expect(members(await read(name)), name).toEqual(expect.arrayContaining(members(contract)));
      }
    } finally {
      await lake.remove();
    }
  },
);

const effect = z.object({ mean_delta_logit: z.number() });
const effectsSchema = z.object({ per_layer: z.record(z.string(), effect), overall: effect });

/** What a `stepE_eval.json` says of each layer and of all. */
function effectsOf(text: string): number[] {
  const { per_layer: layers, overall } = effectsSchema.parse(JSON.parse(text));
  return [...Object.values(layers), overall].map((one) => one.mean_delta_logit);
}
