import { beforeAll, describe, expect, it } from 'vitest';
import { NothingToDoError, PermanentTaskError } from '../../compute/jobs/worker.ts';
import { fvTaskWith } from '../../compute/tasks/fv/fv.ts';
import { type FvSpec, fvSpec } from '../../compute/tasks/fv/spec.ts';
import { openHere } from '../../compute/tasks/fv/testing.ts';
import type { TaskDefinition } from '../../compute/tasks/task.ts';
import { createServer } from '../../graphql/server.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { demoModel } from '../support/demo-model.ts';
import {
  counting,
  demoRelation,
  filesBelow,
  guardWrites,
  runWithoutLake,
  startedStore,
  taskContext,
} from '../support/fv-task.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';

const base = 'jobs/job/runs/results_fv/relation_qwise/demo';
const artifacts = `${base}/antonym/artifacts`;
let task: TaskDefinition<FvSpec>;
/** Requests to the model. */
let asked = 0;
/** Thrown at the next request. */
let broken: Error | undefined;

beforeAll(async () => {
  const before = () => {
    asked++;
    if (broken !== undefined) throw broken;
  };
  // Drawings stand for pictures, which take longer than all the rest.
  task = fvTaskWith(await openHere(`${demoModel}checkpoint`, counting(before)), async (svg) =>
    Buffer.from(svg),
  );
});

function specOf(more: Partial<Record<keyof FvSpec, unknown>> = {}): FvSpec {
  return fvSpec.parse({
    model: { path: `${demoModel}checkpoint`, id: 'runlake/demo', memoryBytes: 1e7 },
    relation: 'demo.csv',
    csv: demoRelation(['antonym', 'country_capital', 'english_french'], 7),
    columns: { query: 'relation' },
    queries: ['antonym'],
    trials: 2,
    demos: 3,
    layers: [2, 3],
    topk: 5,
    ...more,
  });
}

const run = (store: ObjectStore, spec = specOf(), signal?: AbortSignal, said?: string[]) =>
  runWithoutLake(task, store, spec, taskContext(signal, said));

const filesOf = (store: ObjectStore) => filesBelow(store, `${base}/antonym`);

const statusOf = async (store: ObjectStore, directory = artifacts) =>
  JSON.parse(Buffer.from(await store.get(`${directory}/qid_status.json`)).toString());

describe('a function-vector job that is begun again', () => {
  it('begins nothing again that is done, and of what changed only what depends on it', async () => {
    const store = await startedStore();
    await run(store);
    const first = await filesOf(store);
    expect(first.get('logs/stepD_aie.log')).toMatch(
      /^heads swept: 16\nrank 1: layer [23] head \d mean_delta_p /m,
    );
    asked = 0;
    expect(await run(store)).toMatchObject({ queries: { antonym: 'unchanged' } });
    expect(asked).toBe(0);
    expect(await filesOf(store)).toEqual(first);

    // Trials and effects do not depend on the number of heads that are summed.
    const changed = specOf({ topk: 3, evalExamples: 1 });
    await run(store, changed);
    const resumed = asked;
    const fresh = await startedStore();
    asked = 0;
    await run(fresh, changed);
    expect(resumed).toBeLessThan(asked);
    const names = (files: ReadonlyMap<string, string>) =>
      [...files.keys()].filter((name) => !name.includes('_resume'));
    const [again, expected] = [await filesOf(store), await filesOf(fresh)];
    // None of the files of two examples is left beside those of one.
    expect(names(again)).toEqual(names(expected));
    for (const name of names(expected)) expect(again.get(name), name).toBe(expected.get(name));
  });

  it('does a skipped query again when it has the rows for it', async () => {
    const store = await startedStore();
    await expect(run(store, specOf({ demos: 7 }))).rejects.toThrow(NothingToDoError);
    await expect(run(store, specOf({ demos: 7 }))).rejects.toThrow('no relation query has 8 rows');
    expect(await statusOf(store)).toMatchObject({ status: 'skipped', reason: 'insufficient rows (7 < 8)' });
    expect(await run(store)).toMatchObject({ queries: { antonym: 'completed' } });
  });

  it('makes again what is missing, cut off or changed of a completed query, the same to the byte', async () => {
    const store = await startedStore();
    await run(store);
    const whole = await filesOf(store);
    const damage: [name: string, text: string | undefined][] = [
      ['trial_metrics.jsonl', undefined],
      ['aie_scores.csv', whole.get('artifacts/aie_scores.csv')!.slice(0, 100)],
      ['top_heads.json', whole.get('artifacts/top_heads.json')!.replace('"layer": 3', '"layer": 2')],
      ['_resume/artifacts.json', '{"fingerprint": '],
    ];
    for (const [name, text] of damage) {
      if (text === undefined) await store.delete([`${artifacts}/${name}`]);
      else await store.put(`${artifacts}/${name}`, Buffer.from(text));
      const said: string[] = [];
      expect(await run(store, specOf(), undefined, said)).toMatchObject({
        queries: { antonym: 'completed' },
      });
      const line = `antonym was completed, but missing or damaged are now artifacts/${name}: it is done again`;
      expect(said).toContain(line);
      expect(await filesOf(store), name).toEqual(whole);
    }
  });

  it('takes no notice of checkpoints that are torn or of another experiment', async () => {
    const store = await startedStore();
    await run(store);
    const whole = await filesOf(store);
    const stop = new AbortController();
    const second = await startedStore();
    guardWrites(second, (key) => {
      if (key.includes('_resume/sweep/1')) stop.abort();
      return true;
    });
    await expect(run(second, specOf(), stop.signal)).rejects.toThrow();
    guardWrites(second, () => true);
    const kept = whole.get('artifacts/_resume/sweep/0.json')!;
    await second.put(`${artifacts}/_resume/sweep/0.json`, Buffer.from(kept.slice(0, -30)));
    const other = kept.replace(/"fingerprint":"\w+"/, '"fingerprint":"0"').replace(/\d\.\d+/g, '0.5');
    await second.put(`${artifacts}/_resume/sweep/1.json`, Buffer.from(other));
    await second.put(`${artifacts}/qid_status.json`, Buffer.from('{"q_id": "antonym", "sta'));
    await run(second);
    expect(await filesOf(second)).toEqual(whole);
  });

  it('gives the same artifacts after whichever write it is killed', async () => {
    const additions = {
      heldOut: 1,
      randomVectors: 1,
      randomHeads: 1,
      otherQuery: true,
      distributed: true,
      attribution: true,
    };
    const spec = specOf({ additions });
    const whole = await startedStore();
    let writes = 0;
    guardWrites(whole, () => ++writes > 0);
    await run(whole, spec);
    const expected = await filesOf(whole);
    for (const allowed of [1, 3, 9, 15, writes - 18, writes - 10, writes - 2]) {
      const store = await startedStore();
      let left = allowed;
      guardWrites(store, () => left-- > 0);
      await expect(run(store, spec)).rejects.toThrow();
      guardWrites(store, () => true);
      await run(store, spec);
      expect(await filesOf(store), `killed after ${allowed} of ${writes} writes`).toEqual(expected);
    }
  });

  it('stops when it is cancelled and goes on from there', async () => {
    const store = await startedStore();
    const stop = new AbortController();
    guardWrites(store, (key) => {
      if (key.includes('_resume/sweep/1')) stop.abort();
      return true;
    });
    await expect(run(store, specOf(), stop.signal)).rejects.toThrow();
    expect(await statusOf(store)).toMatchObject({ status: 'running' });
    const said: string[] = [];
    asked = 0;
    await run(store, specOf(), undefined, said);
    expect(said).toContain('antonym: completed');
    const resumed = asked;
    asked = 0;
    await run(await startedStore());
    expect(resumed).toBeLessThan(asked);
  });
});

describe('relation queries of a job', () => {
  it('go on when one fails, which alone is done again', async () => {
    const store = await startedStore();
    const spec = specOf({ queries: ['antonym', 'country_capital'] });
    guardWrites(store, (key) => {
      broken = key.includes('/country_capital/') ? new Error('out of memory') : undefined;
      return true;
    });
    await expect(run(store, spec)).rejects.toThrow('1 of 2 relation queries failed: country_capital');
    expect(await statusOf(store, `${base}/country_capital/artifacts`)).toMatchObject({
      status: 'failed',
      reason: 'out of memory',
    });
    guardWrites(store, () => true);
    broken = undefined;
    expect(await run(store, spec)).toMatchObject({
      queries: { antonym: 'unchanged', country_capital: 'completed' },
    });
    const summary = JSON.parse(Buffer.from(await store.get(`${base}/_status/run_summary.json`)).toString());
    expect(summary).toMatchObject({ status: 'completed', processed: 2, failed_q_ids: [] });
  });

  it('say what is wrong with a specification or a relation', async () => {
    const store = await startedStore();
    await expect(run(store, specOf({ relation: '/nowhere.csv', csv: undefined }))).rejects.toThrow(
      PermanentTaskError,
    );
    await expect(run(store, specOf({ csv: 'a,b\n' }))).rejects.toThrow(/no column/);
    const alone = demoRelation(['antonym'], 7);
    await expect(run(store, specOf({ csv: alone, corruption: 'mixed' }))).rejects.toThrow(PermanentTaskError);
    expect(await statusOf(store)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(
        /^no other relation query has labels that antonym has not; expected a relation file/,
      ),
    });
    await expect(run(store, specOf({ layers: [2, 6] }))).rejects.toThrow('the model has no layer 6');
    const little = specOf({ model: { path: 'm', memoryBytes: 1000 } });
    await expect(run(store, little)).rejects.toThrow(PermanentTaskError);
    const said: string[] = [];
    await expect(run(store, specOf({ queries: ['synonym'] }), undefined, said)).rejects.toThrow(
      NothingToDoError,
    );
    expect(said).toContain(
      'demo.csv has no relation query synonym; it has antonym, country_capital, english_french',
    );
    expect(fvSpec.safeParse({ model: { path: 'm' }, relation: 'r', results: '../x' }).success).toBe(false);
  });

  it('may share a file among more shards than there are queries', async () => {
    const { parts = [], merge } = task.split?.(specOf({ shards: 2, queries: ['antonym'] })) ?? {};
    expect(parts.map(({ shard }) => shard)).toEqual([
      { index: 0, count: 2 },
      { index: 1, count: 2 },
    ]);
    expect(await run(await startedStore(), parts[0])).toEqual({ runIds: [], queries: {} });
    const merged = merge?.(['a', 'b']);
    expect(merged).toMatchObject({ merge: ['a', 'b'], shards: 1 });
    await expect(run(await startedStore(), merged)).rejects.toThrow('a is no shard of an fv job');
  });
});

interface Answers {
  readonly launchFv: { readonly id: string };
}

describe('function-vector jobs and the lake', () => {
  /** A text without what tells one job from another that does the same. */
  const timeless = (text: string): string =>
    text
      .replace(/jobs\/[\w-]+/g, 'jobs/JOB')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/"(bytes|fingerprint|sha256)": \S+/g, '');

  /** What queries over the tables of the family give. */
  async function rowsOf(lake: TaskLake): Promise<Record<string, string[]>> {
    const tables = ['fv_heads', 'fv_trials', 'fv_vectors', 'fv_injections', 'fv_injection_trials', 'metrics'];
    const rows: Record<string, string[]> = {};
    for (const table of tables) {
      const found = await lake.sql(
        `SELECT to_json(t)::VARCHAR AS row FROM (SELECT * EXCLUDE (ingest_id) FROM ${table}) t`,
      );
      rows[table] = found.map(({ row }) => timeless(String(row))).sort();
    }
    return rows;
  }

  /** The artifacts of the relation queries that jobs have written, by their names. */
  async function artifactsOf(
    lake: TaskLake,
    written: (key: string) => boolean,
  ): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for await (const { key } of lake.services.store.list({ prefix: 'jobs/' })) {
      const name = key.split('/relation_qwise/')[1];
      if (name === undefined || name.includes('/_status/') || !written(key)) continue;
      files.set(name, timeless(Buffer.from(await lake.services.store.get(key)).toString('latin1')));
    }
    return files;
  }

  /** What the server of a lake answers. */
  async function ask(lake: TaskLake, query: string, variables: object): Promise<Answers> {
    const app = await createServer({ reader: lake.lake, jobs: lake.jobs });
    try {
      const payload = { query, variables };
      const response = await app.inject({ method: 'POST', url: '/graphql', payload });
      expect(response.json()).not.toHaveProperty('errors');
      return response.json().data;
    } finally {
      await app.close();
    }
  }

  it('give the same artifacts and rows whether or not two workers share the queries, whatever those are called', async () => {
    const lake = await taskLake({}, {}, [task]);
    try {
      const csv = demoRelation(['antonym', 'country_capital'], 7)
        .replaceAll(',antonym,', ',../../a,')
        .replaceAll(',country_capital,', ',"x, y",');
      const spec = specOf({ csv, queries: undefined, corruption: 'mixed', evalExamples: 1 });
      const { launchFv: alone } = await ask(
        lake,
        `mutation ($csv: String!, $path: String!, $id: String!) {
          launchFv(input: {
            model: {path: $path, id: $id, memoryBytes: 1e7}, relation: "demo.csv", csv: $csv, columns: {query: "relation"}, corruption: MIXED
            trials: 2, demos: 3, layers: [2, 3], topk: 5, evalExamples: 1
          }) { id state }
        }`,
        { csv, path: spec.model.path, id: spec.model.id },
      );
      await lake.drain();
      const runIds = ['%2E.%2F..%2Fa', 'x%2C%20y'].map((q) => `main/fv/demo/${q}/runlake__demo`);
      const answers = await ask(
        lake,
        `query ($id: ID!, $run: ID!) {
          job(id: $id) { state result }
          fvLayerCurve(runId: $run, metric: "delta_acc") { layer with }
          fvHeatmap(runId: $run) { scoreKey }
        }`,
        { id: alone.id, run: runIds[1] },
      );
      expect(answers).toMatchObject({
        job: { state: 'COMPLETED', result: { runIds } },
        fvLayerCurve: Array.from({ length: 6 }, (_, layer) => ({ layer })),
        fvHeatmap: { scoreKey: 'mean_delta_p' },
      });
      expect(lake.reports.at(-1)?.runs.flatMap(({ issues }) => issues)).toEqual([]);
      const slip = { ...spec, trails: 3, model: { ...spec.model, pth: 'm' } };
      await expect(lake.jobs.submit('fv', slip)).rejects.toThrow(
        'the specification of the fv job is wrong: /model/pth: there is no such member; /trails: there is no such member',
      );
      const splits = await lake.sql('SELECT split FROM runs ORDER BY split');
      expect(splits.map(({ split }) => split)).toEqual(['../../a', 'x, y']);
      const rows = await rowsOf(lake);
      expect(rows['fv_heads']).toHaveLength(2 * 16);
      const files = await artifactsOf(lake, () => true);
      expect(files.size).toBeGreaterThan(80);

      const shared = await lake.run('fv', { ...spec, shards: 2 }, {}, 2);
      expect(shared).toMatchObject({ state: 'completed', result: { runIds } });
      expect(lake.reports.at(-1)?.runs.map(({ status }) => status)).toEqual(['unchanged']);
      expect(await rowsOf(lake)).toEqual(rows);
      expect(await artifactsOf(lake, (key) => !key.includes(alone.id))).toEqual(files);
      const places = await lake.sql('SELECT DISTINCT source_uri FROM runs');
      expect(places).toHaveLength(2);
    } finally {
      await lake.remove();
    }
  });
});
