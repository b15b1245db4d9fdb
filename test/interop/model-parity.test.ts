import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readSafetensorsHeader } from '../../compute/model/checkpoint/safetensors.ts';
import type { Row } from '../../compute/model/engine/batch.ts';
import { RowKeyValues } from '../../compute/model/engine/key-values.ts';
import { Model } from '../../compute/model/engine/model.ts';
import { generateHere } from '../../compute/model/generation/testing.ts';
import { writeTokenizer } from '../../compute/model/tokenizer/testing.ts';
import { fileSource } from '../../ingest/formats/bytes/file-source.ts';
import { Tensor } from '../../ingest/formats/tensor/tensor.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { largestDifference } from '../support/tensors.ts';

const tolerance = 1e-4;

const factsSchema = z.object({
  prompts: z.array(z.array(z.int())),
  interventions: z.array(
    z.object({
      prompt: z.int(),
      heads: z.array(z.tuple([z.int(), z.int()])),
      add: z.array(z.tuple([z.int(), z.number()])),
    }),
  ),
  greedy: z.array(z.array(z.int())),
  log_probabilities: z.array(z.array(z.number())),
});

/** Reads the tensors that transformers' run was recorded in. */
async function recordedTensors(path: string): Promise<(name: string) => Tensor> {
  const source = fileSource(path, (await stat(path)).size);
  const header = await readSafetensorsHeader(source);
  const bytes = await source.read(0, source.size);
  await source.close();
  return (name) => {
    const found = header.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return new Tensor({ dtype: 'float32', shape: found.shape, data: bytes.subarray(found.start, found.end) });
  };
}

/** Rows of the intervention list, with the one table of each kind. */
function editedRows(facts: z.infer<typeof factsSchema>): Row[] {
  return facts.interventions.map(({ prompt, heads, add }) => ({
    tokens: facts.prompts[prompt]!,
    ...(heads.length > 0
      ? { replace: { table: 0, heads: heads.map(([layer, head]) => ({ layer, head })) } }
      : {}),
    ...(add.length > 0 ? { add: { table: 0, points: add.map(([point, scale]) => ({ point, scale })) } } : {}),
  }));
}

const cases = [
  'llama',
  'llama-tied-bf16-sharded',
  'llama-biased-linear-rope',
  'mistral',
  'qwen2',
  'qwen3',
  'smollm3',
  'gpt2',
  'gpt2-scaled',
] as const;

describe.skipIf(!pythonHas('torch', 'transformers', 'safetensors'))('parity with transformers', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlake-parity-'));
    const script = fileURLToPath(new URL('../support/model_parity.py', import.meta.url));
    expect(JSON.parse(await runPython(script, [folder]))).toEqual(cases);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each(cases)('%s', (name) => {
    let model: Model;
    let facts: z.infer<typeof factsSchema>;
    let recorded: (name: string) => Tensor;
    beforeAll(async () => {
      facts = factsSchema.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
      recorded = await recordedTensors(join(folder, `${name}.safetensors`));
      model = await Model.load({ path: join(folder, name), provider: 'cpu' });
    });
    afterAll(() => model.close());

    it('every tap and every intervention, in one batch', async () => {
      const { layers } = model.info;
      const plain = facts.prompts.map((tokens): Row => ({ tokens }));
      const result = await model.forward({
        rows: [...plain, ...editedRows(facts)],
        headTables: [recorded('head_table').toFloat32()],
        residualTables: [recorded('residual_table').toFloat32()],
        capture: {
          residual: Array.from({ length: layers + 1 }, (_, point) => point),
          heads: Array.from({ length: layers }, (_, layer) => layer),
          final: true,
          positions: 'all',
          logits: true,
          read: 'all',
        },
      });
      /** What one row has at its first `tokens` positions. */
      const ofRow = (
        tensor: { data: Float32Array; shape: readonly number[] },
        row: number,
        tokens: number,
      ) => {
        const width = tensor.shape.slice(2).reduce((product, size) => product * size, 1);
        const start = row * tensor.shape[1]! * width;
        return tensor.data.subarray(start, start + tokens * width);
      };
      let worst = 0;
      for (const [row, { length }] of facts.prompts.entries()) {
        const compare = (actual: Float32Array, expected: Tensor) => {
          worst = Math.max(worst, largestDifference(actual, expected.toFloat32()));
        };
        for (const [point, tensor] of result.residual) {
          compare(ofRow(tensor, row, length), recorded(`residual.${row}`).select(0, point));
        }
        for (const [layer, tensor] of result.heads) {
          compare(ofRow(tensor, row, length), recorded(`heads.${row}`).select(0, layer));
        }
        compare(ofRow(result.final!, row, length), recorded(`final.${row}`));
        compare(ofRow(result.logits!, row, length), recorded(`logits.${row}`));
      }
      expect(worst).toBeLessThan(tolerance);

      for (const [i, { prompt }] of facts.interventions.entries()) {
        const { length } = facts.prompts[prompt]!;
        const logits = ofRow(result.logits!, facts.prompts.length + i, length).subarray(
          -model.info.vocabulary,
        );
        expect(largestDifference(logits, recorded(`edited.${i}`).toFloat32()), `edit ${i}`).toBeLessThan(
          tolerance,
        );
        // Or nothing would be tested.
        const baseline = recorded(`logits.${prompt}`)
          .select(0, length - 1)
          .toFloat32();
        expect(largestDifference(logits, baseline), `edit ${i}`).toBeGreaterThan(100 * tolerance);
      }
    });

    it('interventions behind a shared prefix, one token a row', async () => {
      const tokens = facts.prompts[0]!;
      const prefix = await model.prefill(tokens.slice(0, -1));
      const chosen = facts.interventions
        .map((edit, i) => ({ edit, i }))
        .filter(({ edit }) => edit.prompt === 0);
      const rows = editedRows({ ...facts, interventions: chosen.map(({ edit }) => edit) });
      const { logits } = await model.forward(
        {
          rows: rows.map((row) => ({ ...row, tokens: tokens.slice(-1) })),
          headTables: [recorded('head_table').toFloat32()],
          residualTables: [recorded('residual_table').toFloat32()],
          capture: { logits: true },
        },
        { prefix },
      );
      const expected = Float32Array.from(chosen.flatMap(({ i }) => recorded(`edited.${i}`).toNumbers()));
      expect(largestDifference(logits!.data, expected)).toBeLessThan(tolerance);
    });

    it('greedy tokens of prompts of different lengths, with their own keys and values', async () => {
      const past = new RowKeyValues(model.keyValueSizes, facts.prompts.length);
      const generated: number[][] = facts.prompts.map(() => []);
      let next: readonly (readonly number[])[] = facts.prompts;
      for (let step = 0; step < facts.greedy[0]!.length; step++) {
        const { logits } = await model.forward(
          { rows: next.map((tokens) => ({ tokens })), capture: { logits: true } },
          { past },
        );
        next = generated.map((tokens, row) => {
          const start = row * model.info.vocabulary;
          const scores = logits!.data.subarray(start, start + model.info.vocabulary);
          tokens.push(scores.indexOf(Math.max(...scores)));
          return tokens.slice(-1);
        });
      }
      expect(generated).toEqual(facts.greedy);
    });

    it('generates what generate() does: tokens, log-probabilities, hidden states', async () => {
      await writeTokenizer(join(folder, name));
      const { prompts, samples } = await generateHere(model, {
        prompts: facts.prompts.map((tokens) => ({ tokens })),
        options: {
          maxNewTokens: facts.greedy[0]!.length,
          eosTokens: [],
          maxRows: 2,
          capture: { layers: 'all', prompt: 'all', response: 'all' },
        },
      });
      expect(samples.map(({ tokens }) => [...tokens])).toEqual(facts.greedy);
      for (const [i, sample] of samples.entries()) {
        expect(largestDifference(sample.logProbabilities, facts.log_probabilities[i]!)).toBeLessThan(
          tolerance,
        );
        const promptStates = recorded(`prompt_states.${i}`).toFloat32();
        expect(largestDifference(prompts[i]!.vectors!.data, promptStates)).toBeLessThan(tolerance);
        // One more than transformers gives: the last token's own.
        const states = recorded(`response_states.${i}`);
        const count = sample.tokens.length;
        const { data, hidden, layers } = sample.vectors!;
        const common = layers.flatMap((_, layer) => [
          ...data.subarray(layer * count * hidden, (layer * count + count - 1) * hidden),
        ]);
        expect(largestDifference(common, states.toFloat32())).toBeLessThan(tolerance);
      }
    });
  });
});
