import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { promptHash, recipeExampleId } from '../../ingest/families/hallulens/identity.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { findRuns, memorySink } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/hallulens`;

const flags = z.array(z.boolean()).nullable();
const treeSchema = z.object({
  n_generation_rows: z.number(),
  generation_keys: z.array(z.string()),
  n_halu: z.number().nullable(),
  n_abstain: z.number().nullable(),
  halu_test_res: flags,
  abstantion: flags,
  scalars: z.record(z.string(), z.union([z.number(), z.string()])),
  n_refusal_eval_raw_true: z.number().nullable(),
});
const expectedSchema = z.object({ output: z.record(z.string(), treeSchema) });

describe.skipIf(sharedDir === undefined)('output trees', async () => {
  if (sharedDir === undefined) return;
  const { output } = expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')));
  const tree = { store: new LocalStore('/'), prefix: `${fixtures}/good`.replace(/^\//, '') };
  const context = { tree, lenient: false };

  const read = async (path: string) => {
    const part = { ...tree, prefix: `${tree.prefix}/${path}` };
    for (const candidate of await findRuns(HALLULENS, part)) {
      const sink = memorySink(HALLULENS, context);
      return { sink, summary: await HALLULENS.read(candidate, sink, context) };
    }
    throw new Error(`nothing found in ${path}`);
  };

  test.each(Object.entries(output))('%s', async (path, expected) => {
    const { sink, summary } = await read(path);
    const [, task, model] = path.split('/');
    expect(summary.accepted).toBe(true);
    expect(sink.issues.filter((issue) => issue.severity === 'error')).toEqual([]);
    expect(sink.issues.map((issue) => issue.code).filter((code) => code !== 'DUPLICATE_PROMPT')).toEqual([]);
    expect(summary.columns).toMatchObject({ benchmark: task, model_id: model, status: 'completed' });
    const rows = sink.table('generations');
    expect(rows.length).toBe(expected.n_generation_rows);
    const lines = readFileSync(`${fixtures}/good/${path}/generation.jsonl`, 'utf8').trimEnd().split('\n');
    const seen = new Set<string>();
    for (const [i, line] of lines.entries()) {
      const record = z.looseObject({ prompt: z.string(), generation: z.string() }).parse(JSON.parse(line));
      const row = rows[i]!;
      expect(row).toMatchObject({ prompt: record.prompt, response: record.generation, source_line: i + 1 });
      expect(row['activation_key']).toBe(promptHash(record.prompt));
      const id = recipeExampleId(task!, '', record.prompt, model!, null);
      expect(row['example_id']).toBe(seen.has(id) ? `${id}_1` : id);
      seen.add(id);
      const kept = { ...JSON.parse(String(row['extra'])), ...JSON.parse(String(row['reference'] ?? '{}')) };
      for (const key of expected.generation_keys) {
        if (key !== 'prompt' && key !== 'generation') expect(kept[key]).toEqual(record[key]);
      }
    }
    if (expected.halu_test_res !== null)
      expect(rows.map((row) => row['halu'])).toEqual(expected.halu_test_res);
    if (expected.abstantion !== null)
      expect(rows.map((row) => row['abstained'])).toEqual(expected.abstantion);
    if (expected.n_refusal_eval_raw_true !== null) {
      expect(rows.filter((row) => row['abstained'] === true).length).toBe(expected.n_refusal_eval_raw_true);
      expect(rows.filter((row) => row['halu'] === true).length).toBe(
        expected.n_generation_rows - expected.n_refusal_eval_raw_true,
      );
    }
    if (task === 'natural_questions') {
      expect(rows.filter((row) => row['halu'] === true).length).toBe(expected.scalars['hallu_count']);
    }
    const metrics = sink.table('metrics');
    for (const [name, value] of Object.entries(expected.scalars)) {
      if (typeof value !== 'number') continue;
      const [reported] = metrics.filter((row) => row['metric'] === name && row['source'] === 'reported');
      expect(reported?.['value']).toBe(value);
      const [computed] = metrics.filter((row) => row['metric'] === name && row['source'] === 'recomputed');
      if (/rate$/i.test(name)) expect(computed?.['value']).toBeCloseTo(value, 7);
    }
  });
});
