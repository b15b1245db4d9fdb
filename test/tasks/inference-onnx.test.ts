import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../compute/jobs/job.ts';
import { listVerdicts, openCheckpoint, readWeight } from '../../compute/model/index.ts';
import { promptHash } from '../../ingest/families/hallulens/identity.ts';
import { demoModel, demoReference } from '../support/demo-model.ts';
import { pythonHas, pythonJson } from '../support/python.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';
import { compileScript } from '../support/ts-script.ts';

const checkpoint = `${demoModel}checkpoint`;

/** Every array of a store as Zarr for Python reads it. */
const READ_STORE = `
import json, sys, numpy, zarr
g = zarr.open_group(sys.argv[1], mode="r")["arrays"]
out = {}
for name in ["prompt_activations", "response_activations", "prompt_len", "response_len", "response_token_ids"]:
    a = g[name]
    v = numpy.asarray(a[...])
    out[name] = {"shape": list(v.shape), "dtype": v.dtype.name, "values": v.astype(float).ravel().tolist()}
out["keys"] = [str(k) for k in g["sample_key"][...]]
print(json.dumps(out))
`;

interface PythonArray {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: readonly number[];
}
type PythonStore = Readonly<Record<string, PythonArray>> & { readonly keys: readonly string[] };

describe('inference with a checkpoint', () => {
  let lake: TaskLake;
  let host: string;
  beforeAll(async () => {
    host = await compileScript(new URL('../../compute/model/engine/host.ts', import.meta.url));
    lake = await taskLake({}, { modelHost: host, checkpointMs: 0 });
  });
  afterAll(async () => {
    await lake.remove();
  });

  const spec = {
    model: { backend: 'onnx', path: checkpoint, id: 'runlake/demo', threads: 1 },
    questions: `${demoModel}data/qa/country_capital.jsonl`,
    promptTemplate: 'Question: {question}\nAnswer:',
    maxTokens: 8,
    date: '2026-03-04',
    capture: true,
  };
  const storeOf = (root: unknown) =>
    join(lake.directory, 'store', String(root).split('/').slice(0, 2).join('/'), 'activations.zarr');
  const resultOf = (job: { readonly result: unknown }) => job.result as { runIds: string[]; root: string };

  test('answers as transformers does, and its activations give the logits of the reference', async () => {
    const job = await lake.run('inference', {
      ...spec,
      benchmark: 'capitals',
      activationType: 'float32',
      limit: 40,
    });
    expect(job.failure).toBeNull();
    expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
    expect(await listVerdicts(lake.services.store)).toMatchObject([
      { name: 'runlake/demo', modelType: 'llama', provider: 'cpu', passed: true },
    ]);
    const [run] = await lake.sql(
      `SELECT manifest->>'$.model_check.verdict' AS verdict FROM runs WHERE benchmark = 'capitals'`,
    );
    expect(run).toEqual({ verdict: 'passed' });
    const reference = demoReference();
    const expected = reference.hallucination.answers
      .filter(({ q_id }) => q_id.startsWith('country_capital-'))
      .slice(0, 40);
    const found = await lake.sql(
      `SELECT trim(response) AS response FROM generations WHERE benchmark = 'capitals' ORDER BY source_line`,
    );
    expect(found).toEqual(expected.map(({ greedy }) => ({ response: greedy })));

    const { prompt, last_token_logits: logits } = reference.logits.find((one) =>
      one.prompt.startsWith('Question'),
    )!;
    const [last] = await lake.sql(
      `SELECT vector, token_index FROM activations WHERE activation_key = '${promptHash(prompt)}'
       AND layer = 6 AND segment = 'prompt' ORDER BY token_index DESC LIMIT 1`,
    );
    const vector = last!['vector'] as Float32Array;
    const embedding = await readWeight(await openCheckpoint(checkpoint), 'model.embed_tokens.weight');
    const weights = embedding.toFloat64();
    const worst = logits.reduce((most, logit, token) => {
      let sum = 0;
      for (let i = 0; i < vector.length; i++) sum += vector[i]! * weights[token * vector.length + i]!;
      return Math.max(most, Math.abs(sum - logit));
    }, 0);
    // The reference has four digits.
    expect(worst).toBeLessThan(1.5e-4);
  });

  test.skipIf(!pythonHas('zarr', 'numpy'))(
    'Python reads what the lake has, for some layers and single tokens',
    async () => {
      const job = await lake.run('inference', {
        ...spec,
        benchmark: 'some',
        limit: 10,
        layers: [2, -1],
        tokenSelector: 'last',
        n: 2,
        temperature: 1,
        topLogProbabilities: 3,
      });
      expect(job.failure).toBeNull();
      expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
      const store = pythonJson(READ_STORE, [storeOf(resultOf(job).root)]) as PythonStore;
      expect(store['prompt_activations']).toMatchObject({ shape: [20, 7, 1, 128], dtype: 'float16' });
      expect(store['prompt_len']!.values).toEqual(Array(20).fill(1));
      expect(new Set(store.keys).size).toBe(20);
      const rows = await lake.sql(
        `SELECT activation_key, segment, layer, token_selector, token_index, vector, dtype
       FROM activations JOIN run_stores USING (store_id) WHERE run_id = '${resultOf(job).runIds[0]}'
       ORDER BY activation_key, segment, layer`,
      );
      expect(new Set(rows.map(({ layer }) => layer))).toEqual(new Set([2, 6]));
      expect(new Set(rows.map((row) => row['token_selector']))).toEqual(new Set(['last']));
      let compared = 0;
      for (const { activation_key: key, segment, layer, vector } of rows) {
        const array = store[`${segment}_activations`]!;
        const [, layers, tokens, hidden] = array.shape as [number, number, number, number];
        const at = (store.keys.indexOf(String(key)) * layers + Number(layer)) * tokens * hidden;
        expect([...(vector as Float32Array)]).toEqual(array.values.slice(at, at + hidden));
        compared++;
      }
      expect(compared).toBeGreaterThan(60);
      const prompts = rows.filter(({ segment }) => segment === 'prompt');
      expect(Math.min(...prompts.map((row) => Number(row['token_index'])))).toBeGreaterThan(5);
      const tokens = await lake.sql(
        `SELECT count(*) AS n, min(len(top_ids)) AS k FROM tokens JOIN run_stores USING (store_id) WHERE run_id = '${resultOf(job).runIds[0]}'`,
      );
      expect(tokens).toEqual([
        { n: BigInt(store['response_token_ids']!.values.filter((id) => id >= 0).length), k: 3n },
      ]);
    },
  );

  test('a checkpoint in the store, with the mean over tokens; an evaluation refers to the same activations', async () => {
    const { store } = lake.services;
    for (const name of [
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
      await store.put(`models/demo/${name}`, readFileSync(`${checkpoint}/${name}`));
    const job = await lake.run('inference', {
      ...spec,
      model: { ...spec.model, path: 'models/demo' },
      benchmark: 'means',
      limit: 6,
      layers: [3],
      tokenSelector: 'mean',
    });
    expect(job.failure).toBeNull();
    const [runId] = resultOf(job).runIds;
    const evaluated = await lake.run('evaluation', { runId, evaluator: 'exact' });
    expect(evaluated.failure).toBeNull();
    expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
    const stores = await lake.sql("SELECT DISTINCT store_id FROM run_stores WHERE run_id LIKE '%/means/%'");
    expect(stores).toHaveLength(1);
    expect(
      await lake.sql(
        `SELECT DISTINCT run_id LIKE '%_exact/%' AS evaluated, segment, token_selector, token_index, layer
         FROM activations JOIN run_stores USING (store_id) WHERE run_id LIKE '%/means/%' AND segment = 'prompt' ORDER BY 1`,
      ),
    ).toEqual(
      [false, true].map((is) => ({
        evaluated: is,
        segment: 'prompt',
        token_selector: 'mean',
        token_index: null,
        layer: 3,
      })),
    );
  });

  /** Process ids of the models that are at work. */
  const models = (): number[] =>
    spawnSync('pgrep', ['-P', String(process.pid), '-f', host], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean)
      .map(Number);

  /** Begins a long job, disturbs it in the middle, and gives it as it is when nothing is left to do. */
  const disturbed = async (benchmark: string, disturb: (id: string) => unknown): Promise<Job> => {
    const long = { ...spec, benchmark, limit: 30, n: 4, temperature: 1, layers: [6], tokenSelector: 'last' };
    const { queue } = lake.jobs;
    const { id } = await lake.jobs.submit('inference', long);
    let isDone = false;
    const done = lake.drain().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const parts = lake.services.store.list({ prefix: `jobs/${id}/parts/` });
      if (!(await parts[Symbol.asyncIterator]().next()).done) break;
      await sleep(5);
    }
    await disturb(id);
    await done;
    return (await queue.get(id))!;
  };

  test('a model that is killed is a failed attempt, and a cancelled job stops in the middle; both can go on', async () => {
    const { queue } = lake.jobs;
    const killed = await disturbed('killed', () => models().map((pid) => process.kill(pid, 'SIGKILL')));
    expect(killed).toMatchObject({ state: 'completed', attempt: 2, failure: null });
    const events = await queue.events(killed.id);
    expect(events.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^pending: the model's process ended \(SIGKILL\)/),
    );

    const before = lake.reports.length;
    const cancelled = await disturbed('cancelled', (id) => queue.cancel(id));
    expect(cancelled).toMatchObject({ state: 'cancelled', attempt: 1, progress: { stage: 'generate' } });
    expect(models()).toEqual([]);
    expect(lake.reports).toHaveLength(before);
    await queue.retry(cancelled.id);
    await lake.drain();
    expect(await queue.get(cancelled.id)).toMatchObject({ state: 'completed', attempt: 2 });
    const answers = await lake.sql(
      `SELECT benchmark, count(*) AS n, md5(string_agg(response, '|' ORDER BY source_line)) AS responses
       FROM generations WHERE benchmark IN ('killed', 'cancelled') GROUP BY benchmark`,
    );
    expect(answers.map(({ n }) => n)).toEqual([120n, 120n]);
    expect(new Set(answers.map(({ responses }) => responses)).size).toBe(1);
  });

  test('what cannot be is told at once', async () => {
    const fails = async (given: object) => (await lake.run('inference', { ...spec, ...given })).failure?.code;
    expect(await fails({ layers: [7] })).toBe('NO_SUCH_LAYER');
    expect(await fails({ model: { ...spec.model, path: 'models/nope' } })).toBe('NO_CHECKPOINT');
    expect(await fails({ promptTemplate: '{nope}' })).toBe('NO_SUCH_COLUMN');
    expect(await fails({ answerColumn: 'nope' })).toBe('BAD_ROW');
    expect(await fails({ questions: 'nope.jsonl' })).toBe('NO_QUESTIONS');
    expect(await fails({ offset: 1000 })).toBe('NO_ROWS');
  });
});
