import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Job } from '../../compute/jobs/job.ts';
import { NothingToDoError, PermanentTaskError, type TaskContext } from '../../compute/jobs/worker.ts';
import { Model, openCheckpoint, readOutputProjection, readUnembedding } from '../../compute/model/index.ts';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { fvTaskWith } from '../../compute/tasks/fv/fv.ts';
import { usesSpecialTokens } from '../../compute/tasks/fv/open-model.ts';
import { type FvSpec, fvSpec } from '../../compute/tasks/fv/spec.ts';
import type { FvModel } from '../../compute/tasks/fv/sweep/readings.ts';
import { modelHere } from '../../compute/tasks/fv/testing.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import type { TaskServices } from '../../compute/tasks/task.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../../ingest/report.ts';
import { MemoryStore } from '../../lake/log/memory-store.test-support.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir}fixtures/fv/`;
const checkpoint = `${fixtures}model_tiny-llama-a`;
const start = {
  date: '2026-01-02',
  createdAt: '2026-01-02T03:04:05.000Z',
  git: { commit: 'unknown', dirty: false },
  environment: { python_version: 'none', platform: 'test', cuda: null, node_version: 'v20' },
};
const base = 'jobs/job/runs/results_fv/relation_qwise/relationA_ex';

describe.skipIf(sharedDir === undefined)('a function-vector job', () => {
  let model: Model;
  let tokenizer: Tokenizer;
  /** Prompts that the model was asked for. */
  let asked = 0;
  beforeAll(async () => {
    model = await Model.load({ path: checkpoint, provider: 'cpu', taps: { residual: [] } });
    tokenizer = await Tokenizer.load(checkpoint);
  });
  afterAll(async () => {
    await model.close();
  });

  function counted(): FvModel {
    const here = modelHere(model);
    return {
      info: here.info,
      forward: async (...args) => {
        asked++;
        await here.forward(...args);
      },
      readTargets: async (...args) => {
        asked++;
        await here.readTargets(...args);
      },
    };
  }

  const task = fvTaskWith(async (spec) => {
    const opened = await openCheckpoint(checkpoint);
    const specialTokens = usesSpecialTokens(spec, model.info.modelType);
    return {
      model: counted(),
      tokenizer: checkpointTokenizer(tokenizer, specialTokens),
      identity: 'tiny',
      check: { verdict: 'passed', failed_checks: [], reason: null },
      specialTokens,
      projectionOf: (layer) => readOutputProjection(opened, layer),
      unembeddingOf: (tokens) => readUnembedding(opened, tokens),
      close: async () => {},
    };
  });

  const specOf = (more: Partial<Record<keyof FvSpec, unknown>> = {}): FvSpec =>
    fvSpec.parse({
      model: { path: checkpoint, memoryBytes: 4e6 },
      relation: `${fixtures}relationA_ex.csv`,
      queries: ['Q3'],
      trials: 2,
      demos: 3,
      topk: 5,
      ...more,
    });

  async function storeOf(): Promise<MemoryStore> {
    const store = new MemoryStore();
    await store.put('jobs/job/start.json', Buffer.from(JSON.stringify(start)));
    return store;
  }

  function contextOf(signal: AbortSignal, log: string[] = []): TaskContext {
    const job: Job = {
      id: 'job',
      kind: 'fv',
      state: 'running',
      priority: 0,
      spec: null,
      dependsOn: [],
      owner: null,
      createdAt: 0,
      updatedAt: 0,
      startedAt: 0,
      finishedAt: null,
      notBefore: 0,
      attempt: 1,
      maxAttempts: 3,
      worker: 'w',
      leaseUntil: null,
      cancelRequested: false,
      progress: null,
      failure: null,
      result: null,
    };
    return {
      job,
      signal,
      progress: ({ stage }) => void log.push(stage),
      log: (_, text) => void log.push(text),
    };
  }

  /** Only what these jobs use; nothing is ingested. */
  function run(store: ObjectStore, spec: FvSpec, signal = new AbortController().signal, log: string[] = []) {
    const services: TaskServices = {
      get lake(): never {
        throw new Error('these jobs have no lake');
      },
      store,
      scratch: tmpdir(),
      env: {},
      ingest: async () => ({ runs: [], issues: [] }),
    };
    return task.run(spec, contextOf(signal, log), services);
  }

  /** Every file but for the time of the last change of state. */
  async function filesOf(store: ObjectStore): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for await (const { key } of store.list({ prefix: `${base}/` })) {
      if (key.includes('/_status/')) continue;
      const text = Buffer.from(await store.get(key)).toString('latin1');
      files.set(key.slice(base.length + 1), text.replace(/"updated_at": "[^"]*"/, ''));
    }
    return files;
  }

  it('writes runs that are read without an issue, and skips a query with too few rows', async () => {
    const lake: TemporaryLake = await temporaryLake();
    try {
      let report: IngestReport = { runs: [], issues: [] };
      const services: TaskServices = {
        lake: lake.lake,
        store: lake.lake.store,
        scratch: lake.directory,
        env: {},
        ingest: async (key, { signal }) => {
          const roots = [`${lake.lake.store.uri}/${key}`];
          report = await ingest(lake.writer, roots, { families: FAMILIES, env: {}, signal });
          return report;
        },
      };
      const spec = specOf({ queries: ['Q3', 'Q14'], trials: 5, demos: 9 });
      const result = await task.run(spec, contextOf(new AbortController().signal), services);
      expect(result).toEqual({
        queries: { Q3: 'completed', Q14: 'skipped' },
        runIds: ['main/fv/relationA_ex/Q14/model_tiny-llama-a', 'main/fv/relationA_ex/Q3/model_tiny-llama-a'],
      });
      const [skipped, completed] = report.runs;
      expect(skipped?.issues.map(({ code, message }) => [code, message])).toEqual([
        ['RUN_SKIPPED', 'insufficient rows (7 < 10)'],
      ]);
      expect(completed?.issues).toEqual([]);
      const place = 'relationA_ex/Q3/artifacts/stepE_eval.json';
      const evaluated = await services.store.get(`jobs/job/runs/results_fv/relation_qwise/${place}`);
      const effects = effectsOf(Buffer.from(evaluated).toString());
      const reference = effectsOf(readFileSync(`${fixtures}run_small_llama_a/${place}`, 'utf8'));
      expect(effects).toHaveLength(5);
      for (const [i, effect] of effects.entries()) expect(effect).toBeCloseTo(reference[i]!, 4);
      expect(completed?.rows).toMatchObject({
        runs: 1,
        fv_heads: 32,
        fv_trials: 160,
        fv_injections: 4,
        fv_injection_trials: 20,
      });
    } finally {
      await lake.remove();
    }
  });

  it('begins nothing again that is done, and of what changed only what depends on it', async () => {
    const store = await storeOf();
    await run(store, specOf());
    const first = await filesOf(store);
    asked = 0;
    expect(await run(store, specOf())).toMatchObject({ queries: { Q3: 'unchanged' } });
    expect(asked).toBe(0);
    expect(await filesOf(store)).toEqual(first);

    // Trials and effects do not depend on the number of heads that are summed.
    const changed = specOf({ topk: 3, evalExamples: 2 });
    await run(store, changed);
    const resumed = asked;
    const fresh = await storeOf();
    asked = 0;
    await run(fresh, changed);
    expect(asked - resumed).toBe(changed.trials);
    const names = (files: ReadonlyMap<string, string>) =>
      [...files.keys()].filter((name) => !name.includes('_resume'));
    const [again, expected] = [await filesOf(store), await filesOf(fresh)];
    expect(names(again)).toEqual(names(expected));
    for (const name of names(expected)) expect(again.get(name), name).toBe(expected.get(name));
  });

  it('gives the same artifacts whenever it is killed', async () => {
    const whole = await storeOf();
    let writes = 0;
    guardWrites(whole, () => ++writes > 0);
    await run(whole, specOf());
    const expected = await filesOf(whole);
    for (const allowed of [1, 3, 5, 6, 9, 15, writes - 2]) {
      const store = await storeOf();
      let left = allowed;
      guardWrites(store, () => left-- > 0);
      await expect(run(store, specOf())).rejects.toThrow();
      guardWrites(store, () => true);
      await run(store, specOf());
      expect(await filesOf(store), `killed after ${allowed} of ${writes} writes`).toEqual(expected);
    }
  });

  it('stops when it is cancelled and goes on from there', async () => {
    const store = await storeOf();
    const abort = new AbortController();
    const log: string[] = [];
    guardWrites(store, (key) => {
      if (key.includes('_resume/sweep/1')) abort.abort();
      return true;
    });
    await expect(run(store, specOf(), abort.signal)).rejects.toThrow();
    const status = Buffer.from(await store.get(`${base}/Q3/artifacts/qid_status.json`)).toString();
    expect(JSON.parse(status)).toMatchObject({ status: 'running' });
    await run(store, specOf(), undefined, log);
    expect(log).toContain('Q3: completed');
  });

  it('tells what is wrong with a specification or a relation', async () => {
    const store = await storeOf();
    await expect(run(store, specOf({ relation: '/nowhere.csv' }))).rejects.toThrow(PermanentTaskError);
    await expect(run(store, specOf({ csv: 'a,b\n' }))).rejects.toThrow(/no column/);
    const alone = 'id,exA,exB\n'.concat(...['a', 'b', 'c', 'd', 'e'].map((x) => `Q,${x},${x}${x}\n`));
    const mixed = { csv: alone, queries: ['Q'], corruption: 'mixed' } as const;
    await expect(run(store, specOf(mixed))).rejects.toThrow(PermanentTaskError);
    const key = 'jobs/job/runs/results_fv/relation_qwise/relationA_ex/Q/artifacts/qid_status.json';
    expect(JSON.parse(Buffer.from(await store.get(key)).toString())).toMatchObject({
      status: 'failed',
      reason: 'no other relation query has labels that Q has not',
    });
    await expect(run(store, specOf({ queries: ['Q14'], demos: 9 }))).rejects.toThrow(NothingToDoError);
    expect(fvSpec.safeParse({ model: { path: 'm' }, relation: 'r', results: '../x' }).success).toBe(false);
  });

  it('shares queries among jobs', () => {
    const { parts = [], merge } = task.split?.(specOf({ shards: 2 })) ?? {};
    expect(parts.map(({ shard }) => shard)).toEqual([
      { index: 0, count: 2 },
      { index: 1, count: 2 },
    ]);
    expect(merge?.(['a', 'b'])).toMatchObject({ merge: ['a', 'b'], shards: 1 });
  });
});

const effect = z.object({ mean_delta_logit: z.number() });
const effectsSchema = z.object({ per_layer: z.record(z.string(), effect), overall: effect });

/** What a `stepE_eval.json` says of each layer and of all. */
function effectsOf(text: string): number[] {
  const { per_layer: layers, overall } = effectsSchema.parse(JSON.parse(text));
  return [...Object.values(layers), overall].map((one) => one.mean_delta_logit);
}

/** From the first write on that `may` refuses all fail: the process is dead. */
function guardWrites(store: MemoryStore, may: (key: string) => boolean): void {
  let dead = false;
  store.before = (operation, key) => {
    if (!['put', 'putIfAbsent', 'delete'].includes(operation)) return;
    dead ||= !may(key);
    if (dead) throw new Error('killed');
  };
}
