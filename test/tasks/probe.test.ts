import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ProbeActivations } from '../../compute/tasks/probe/activations.ts';
import { probeExamples } from '../../compute/tasks/probe/examples.ts';
import { fitSchema } from '../../compute/tasks/probe/method.ts';
import {
  probeDocumentSchema,
  probeLogit,
  sigmoid,
  storedProbeSchema,
} from '../../compute/tasks/probe/probe-document.ts';
import { readProbe } from '../../compute/tasks/probe/stored-probe.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';
import { compileScript } from '../support/ts-script.ts';

const demo = fileURLToPath(new URL('../../models/demo/', import.meta.url));
const questionSchema = z.looseObject({ kind: z.enum(['fact', 'nonsense']), question: z.string() });

/** The demo model's probing numbers, of MODEL_CARD.md: AUROC after blocks 0 to 5, i.e. layers 1 to 6. */
const CARD = {
  all: [0.779, 0.798, 0.718, 0.788, 0.797, 0.791],
  facts: [0.758, 0.772, 0.691, 0.719, 0.72, 0.715],
  firstToken: { all: 0.973, facts: 0.976 },
};

const { signal } = new AbortController();

describe('probes on the demo model', () => {
  let lake: TaskLake;
  let host: string;
  const runs = new Map<string, string>();
  const rows = readdirSync(`${demo}data/qa`)
    .flatMap((file) => readFileSync(`${demo}data/qa/${file}`, 'utf8').trim().split('\n'))
    .map((line) => questionSchema.parse(JSON.parse(line)));

  beforeAll(async () => {
    host = await compileScript(new URL('../../compute/model/engine/host.ts', import.meta.url));
    lake = await taskLake({}, { modelHost: host, checkpointMs: 0 });
    for (const kind of ['fact', 'nonsense'] as const) {
      const job = await lake.run('inference', {
        model: { backend: 'onnx', path: `${demo}checkpoint`, id: 'runlake/demo', batchSize: 64 },
        rows: rows.filter((row) => row.kind === kind),
        promptTemplate: 'Question: {question}\nAnswer:',
        benchmark: kind,
        maxTokens: 8,
        stop: ['\n'],
        evaluator: 'exact',
        capture: true,
        ...(kind === 'fact' ? { sequence: 'prompt', tokenSelector: 'last' } : { tokenSelector: 'all' }),
        lastLayer: 'residual',
        activationType: 'float32',
        topLogProbabilities: 5,
        date: '2026-03-04',
      });
      expect(job.failure).toBeNull();
      runs.set(kind, z.object({ runIds: z.tuple([z.string()]) }).parse(job.result).runIds[0]);
    }
  });
  afterAll(async () => {
    await lake.remove();
  });

  const settings = {
    seeds: [0],
    resamples: 100,
    shuffles: 2,
    innerFolds: 2,
    threads: 1,
    date: '2026-03-04',
  };
  const resultOf = (job: { readonly result: unknown }) =>
    z.object({ runIds: z.array(z.string()), layers: z.array(z.number()) }).parse(job.result);
  const metricsOf = async (runId: string): Promise<Map<string, number | null>> => {
    const found = await lake.sql(
      `SELECT scope || ' ' || metric AS name, value FROM metrics WHERE run_id = '${runId}' AND source = 'reported'`,
    );
    return new Map(found.map((row) => [String(row['name']), row['value'] as number | null]));
  };
  const directoryOf = (runId: string): string => {
    const { root } = lake.reports
      .flatMap((report) => report.runs.map((run) => ({ run, root: run.runId.split('/').slice(2).join('/') })))
      .find(({ run }) => run.runId === runId)!;
    const jobs = join(lake.directory, 'store/jobs');
    const directory = readdirSync(jobs)
      .map((job) => join(jobs, job, 'runs', root))
      .find((path) => existsSync(path))!;
    return directory;
  };
  const filesOf = (runId: string): Record<string, string> => {
    const directory = directoryOf(runId);
    return Object.fromEntries(
      ['predictions.csv', 'eval_metrics.json', 'train_metrics.jsonl', 'artifacts/probe.json'].map((name) => [
        name,
        readFileSync(join(directory, name), 'utf8'),
      ]),
    );
  };

  test.each(['all', 'facts'] as const)('the numbers of the model card: %s', async (which) => {
    const job = await lake.run('probe', {
      ...settings,
      runs:
        which === 'all' ? { modelId: 'runlake/demo', method: 'mean_logprob' } : { ids: [runs.get('fact')] },
      name: `sweep_${which}`,
      protocol: 'cross_validation',
      regularisation: [0.1],
    });
    expect(job.failure).toBeNull();
    expect(lake.reports.at(-1)!.runs.map(({ issues }) => issues)).toEqual([[]]);
    const [runId = ''] = resultOf(job).runIds;
    const metrics = await metricsOf(runId);
    CARD[which].forEach((auroc, block) => {
      const found = metrics.get(`layer:${block + 1} auroc`);
      // Other folds than the card's; it says that a few hundredths mean little.
      expect(Math.abs(found! - auroc), `layer ${block + 1}: ${found}, the card has ${auroc}`).toBeLessThan(
        0.03,
      );
    });
    expect(metrics.get('control:first_logprob auroc')).toBeCloseTo(CARD.firstToken[which], 3);
    // Every question ends with the same token.
    expect(Math.abs(metrics.get('control:embedding auroc')! - 0.5)).toBeLessThan(0.05);
    expect(Math.abs(metrics.get('control:shuffled_labels auroc')! - 0.5)).toBeLessThan(0.15);
    expect(metrics.get('control:length advantage')).toBeGreaterThan(0);
    expect(metrics.get('control:length p_advantage_holm')).toBeLessThan(0.05);
    const [run] = await lake.sql(
      `SELECT verdict, n_predictions, n_generations, (SELECT count(*) FROM run_stores WHERE run_id = '${runId}') AS stores
       FROM runs WHERE run_id = '${runId}'`,
    );
    const examples = BigInt(
      which === 'all' ? rows.length : rows.filter(({ kind }) => kind === 'fact').length,
    );
    expect(run).toEqual({
      verdict: 'COMPLIANT',
      n_predictions: examples,
      n_generations: examples,
      stores: which === 'facts' ? 1n : 2n,
    });
  });

  test('a stopped job goes on where it was; predictions are of test rows, and the probe that is kept makes them', async () => {
    const spec = {
      ...settings,
      runs: { ids: [runs.get('fact')] },
      seeds: [3, 4],
      layers: [2, 5],
      regularisation: [0.01, 0.1],
    };
    const undisturbed = await lake.run('probe', { ...spec, name: 'undisturbed' });
    expect(undisturbed.failure).toBeNull();
    const { id } = await lake.jobs.submit('probe', { ...spec, name: 'stopped' });
    const fits = join(lake.directory, 'store/jobs', id, 'fits');
    const stop = new AbortController();
    const work = lake.drain(stop.signal);
    while (!existsSync(fits) || readdirSync(fits).length < 2) await sleep(1);
    stop.abort();
    await work;
    const made = readdirSync(fits)
      .filter((name) => name.endsWith('.json'))
      .map((name) => readFileSync(join(fits, name), 'utf8'));
    expect(made.length).toBeLessThan(10);
    await lake.drain();
    const resumed = await lake.jobs.queue.get(id);
    expect(resumed).toMatchObject({ state: 'completed', failure: null });
    expect(existsSync(fits) && readdirSync(fits).length > 0).toBe(false);
    const [runId = ''] = resultOf(resumed!).runIds;
    const found = filesOf(runId);
    const expected = filesOf(resultOf(undisturbed).runIds[0]!);
    expect(found['predictions.csv']!.replaceAll('stopped', 'undisturbed')).toBe(expected['predictions.csv']);
    expect(found['eval_metrics.json']!.replaceAll('stopped', 'undisturbed')).toBe(
      expected['eval_metrics.json'],
    );

    // What was there was not fitted again: the log has the times of the first attempt.
    const known = made.flatMap((text) => fitSchema.safeParse(JSON.parse(text)).data ?? []);
    for (const { seed, finishedAt } of known)
      if (seed === 3) expect(found['train_metrics.jsonl']).toContain(finishedAt);

    const probe = probeDocumentSchema.parse(JSON.parse(found['artifacts/probe.json']!));
    const scored = await lake.sql(
      `SELECT p.score_halu AS score, a.vector FROM predictions p JOIN generations g USING (run_id, example_id)
       JOIN run_stores s USING (run_id) JOIN activations a ON a.store_id = s.store_id AND a.activation_key = g.activation_key
       WHERE run_id = '${runId}' AND layer = ${probe.layer} AND segment = 'prompt'`,
    );
    const tested = found['predictions.csv']!.trim().split('\n').length - 1;
    expect(scored.length).toBe(tested);
    expect(tested / rows.filter(({ kind }) => kind === 'fact').length).toBeCloseTo(0.3, 2);
    for (const { score, vector } of scored)
      expect(sigmoid(probeLogit(probe, vector as Float32Array))).toBeCloseTo(score as number, 4);
  });

  test.each([
    {
      method: 'saplma',
      layers: [4],
      settings: { saplma: { epochs: 8, minSteps: 0 } },
      scores: [],
    },
    {
      method: 'contrastive_v1',
      layers: [4, 5],
      settings: { contrastive: { epochs: 8, minSteps: 0, neighbours: [5, 20] } },
      scores: ['knn', 'mahalanobis', 'cosine'],
    },
  ])(
    '$method: stopped, with features in files, it gives what it gives undisturbed; its ONNX file gives the scores',
    async ({ method, layers, settings: own, scores }) => {
      const spec = { ...settings, ...own, method, shuffles: 1, runs: { ids: [runs.get('fact')] } };
      const undisturbed = await lake.run('probe', { ...spec, name: `${method}_u` });
      expect(undisturbed.failure).toBeNull();
      expect(lake.reports.at(-1)!.runs.map(({ issues }) => issues)).toEqual([[]]);
      const { id } = await lake.jobs.submit('probe', { ...spec, name: `${method}_s`, memoryBytes: 1 });
      const fits = join(lake.directory, 'store/jobs', id, 'fits');
      const stop = new AbortController();
      const work = lake.drain(stop.signal);
      const isBetweenEpochs = () => readdirSync(fits).some((name) => name.endsWith('.checkpoint'));
      while (!existsSync(fits) || !isBetweenEpochs()) await sleep(1);
      stop.abort();
      await work;
      expect(existsSync(fits)).toBe(true);
      await lake.drain();
      const resumed = await lake.jobs.queue.get(id);
      expect(resumed).toMatchObject({ state: 'completed', failure: null });
      expect(readdirSync(lake.directory).filter((name) => name.endsWith('.features'))).toEqual([]);
      const [runId = ''] = resultOf(resumed!).runIds;
      const found = filesOf(runId);
      const expected = filesOf(resultOf(undisturbed).runIds[0]!);
      for (const name of ['predictions.csv', 'eval_metrics.json'])
        expect(found[name]!.replaceAll(`${method}_s`, `${method}_u`)).toBe(expected[name]);

      const metrics = await metricsOf(runId);
      expect(resultOf(resumed!).layers).toEqual(layers);
      for (const score of scores) expect(metrics.get(`score:${score} auroc`)).toEqual(expect.any(Number));
      const applied = await lake.run('probe', {
        ...{ apply: runId, runs: { ids: [runs.get('fact'), runs.get('nonsense')] } },
        ...{ resamples: 0, threads: 1, date: '2026-03-04', memoryBytes: 1 },
      });
      expect(applied.failure).toBeNull();
      expect(lake.reports.at(-1)!.runs.map(({ issues }) => issues)).toEqual([[]]);
      const [appliedId = ''] = resultOf(applied).runIds;
      const [same] = await lake.sql(
        `SELECT count(*) AS all, max(abs(a.score_halu - p.score_halu)) AS apart FROM predictions a JOIN predictions p USING (example_id)
         WHERE a.run_id = '${appliedId}' AND p.run_id = '${runId}'`,
      );
      expect(same!['all']).toBe(BigInt(found['predictions.csv']!.trim().split('\n').length - 1));
      expect(same!['apart']).toBeLessThan(1e-3);

      const headers = found['predictions.csv']!.split('\r\n')[0]!.split(',').slice(8);
      expect(headers).toEqual(scores.map((score) => `score_${score}`));

      const directory = directoryOf(runId);
      const probe = storedProbeSchema.parse(JSON.parse(found['artifacts/probe.json']!));
      expect(probe).toMatchObject({ kind: 'network', layers, dim: 128, site: 'resid_post' });
      await expect(readProbe(`file:${directory}`, { env: {}, signal })).rejects.toThrow('has no direction');
      const rows = await lake.sql(
        `SELECT p.score_halu AS score, p.extra, a.vector FROM predictions p JOIN generations g USING (run_id, example_id)
         JOIN run_stores s USING (run_id) JOIN activations a ON a.store_id = s.store_id AND a.activation_key = g.activation_key
         WHERE run_id = '${runId}' AND layer IN (${layers.join()}) AND segment = 'prompt' ORDER BY example_id, layer`,
      );
      const vectors = rows.map(({ vector }) => vector as Float32Array);
      const data = Float32Array.from(vectors.flatMap((vector) => [...vector]));
      const session = await InferenceSession.create(join(directory, 'artifacts/probe.onnx'));
      const count = rows.length / layers.length;
      const shape = layers.length === 1 ? [count, 128] : [count, layers.length, 128];
      const output = await session.run({ activations: new Tensor('float32', data, shape) });
      const expectedScores = rows.filter((_, i) => i % layers.length === 0);
      expectedScores.forEach(({ score, extra }, i) => {
        expect(output['score']!.data[i]).toBeCloseTo(score as number, 4);
        const others = JSON.parse(String(extra ?? '{}'));
        for (const name of scores)
          expect(output[name]!.data[i], name).toBeCloseTo(Number(others[`score_${name}`]), 3);
      });
    },
  );

  test('one run to learn from, another to be tested on', async () => {
    const job = await lake.run('probe', {
      ...settings,
      runs: { ids: [runs.get('fact')] },
      testRuns: { benchmark: 'nonsense', method: 'mean_logprob' },
      method: 'last_layer_baseline',
      layers: [3, -1],
    });
    expect(job.failure).toBeNull();
    expect(resultOf(job).layers).toEqual([6]);
    const metrics = await metricsOf(resultOf(job).runIds[0]!);
    expect(metrics.get('overall n_train')).toBe(478);
    expect(metrics.get('overall n_examples')).toBe(120);
    expect(metrics.has('layer:3 auroc')).toBe(false);
  });

  test('the last, the first and the mean of the recorded tokens', async () => {
    const snapshot = await lake.lake.snapshot();
    const selection = { runs: { ids: [runs.get('nonsense')!] }, abstentions: 'keep' as const };
    const source = await probeExamples(selection, lake.lake, snapshot, signal);
    expect(source.examples.length).toBe(120);
    const [example] = source.examples;
    const stored = await lake.sql(
      `SELECT vector FROM activations WHERE layer = 3 AND segment = 'response'
       AND activation_key = '${example!.activationKey}' ORDER BY token_index`,
    );
    const vectors = stored.map(({ vector }) => vector as Float32Array);
    expect(vectors.length).toBeGreaterThan(1);
    const mean = vectors[0]!.map((_, j) => vectors.reduce((sum, one) => sum + one[j]!, 0) / vectors.length);
    const expected = { last: vectors.at(-1)!, first: vectors[0]!, mean };
    for (const token of ['last', 'first', 'mean'] as const) {
      const place = { site: 'resid_post', segment: 'response', token } as const;
      const found = await ProbeActivations.find(
        source.examples,
        source.runs,
        place,
        lake.lake,
        snapshot,
        signal,
      );
      const options = { memoryBytes: 1e9, scratch: lake.directory, name: 'test' };
      const matrix = await found.matrix(3, options, signal);
      expect([found.layers, matrix.rows, matrix.dim]).toEqual([[0, 1, 2, 3, 4, 5, 6], 120, 128]);
      for await (const { data } of matrix.blocks(1, signal)) {
        const raw = Array.from(data, (value, j) => value * matrix.scale[j]! + matrix.mean[j]!);
        raw.forEach((value, j) => {
          expect(value).toBeCloseTo(expected[token][j]!, 4);
        });
        break;
      }
    }
  });

  test('what cannot be done is said', async () => {
    const ids = [runs.get('fact')];
    const failure = async (spec: object) => (await lake.run('probe', { ...settings, ...spec })).failure?.code;
    expect(await failure({ runs: { ids: ['main/none'] } })).toBe('RUN_NOT_FOUND');
    expect(await failure({ runs: { modelId: 'nobody' } })).toBe('NO_RUNS');
    expect(await failure({ runs: { method: 'undisturbed' } })).toBe('NO_ACTIVATIONS');
    expect(await failure({ runs: { ids }, layers: [7] })).toBe('NO_SUCH_LAYER');
    expect(await failure({ runs: { ids }, layers: [3], method: 'contrastive_v1' })).toBe('TOO_FEW_LAYERS');
    expect(await failure({ runs: { ids }, apply: 'main/none' })).toBe('RUN_NOT_FOUND');
    expect(await failure({ runs: { ids }, apply: ids[0] })).toBe('NO_PROBE');
    expect(await failure({ runs: { ids }, segment: 'response' })).toBe('NO_ACTIVATIONS');
    await expect(lake.run('probe', { runs: { split: 'test' } })).rejects.toThrow('expected ids');
    await expect(lake.run('probe', { runs: { ids }, name: 'a/b' })).rejects.toThrow('slash');
  });
});
