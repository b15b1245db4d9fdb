import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../../ingest/report.ts';
import type { Lake } from '../../lake/lake.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { S3Store } from '../../lake/store/s3-store.ts';
import { jsonRows } from '../../src/rows.ts';
import { checkTables } from '../../src/upkeep.ts';
import { freshBucket, s3Missing, s3Server } from '../support/s3-server.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures/hallulens`;

/** A lake in a temporary home, with what the tests ask of it. */
class TestLake {
  readonly #home: TemporaryLake;

  private constructor(home: TemporaryLake) {
    this.#home = home;
  }

  /** In a directory of its own, or in the given store. */
  static async open(store?: ObjectStore): Promise<TestLake> {
    return new TestLake(await temporaryLake(store === undefined ? {} : { store }));
  }

  get lake(): Lake {
    return this.#home.lake;
  }

  get directory(): string {
    return this.#home.directory;
  }

  ingest(path: string, namespace = 'main'): Promise<IngestReport> {
    return ingest(this.#home.writer, [path], { families: [HALLULENS], namespace });
  }

  async sql(query: string): Promise<Record<string, unknown>[]> {
    const result = await this.lake.sandboxedQuery(await this.lake.snapshot(), query, { times: 'iso' });
    return z.array(z.record(z.string(), z.unknown())).parse(JSON.parse(jsonRows(result)));
  }

  async graphql(query: string): Promise<unknown> {
    const app = await createServer({ reader: this.lake });
    try {
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
      const body = z.object({ data: z.unknown(), errors: z.unknown().optional() }).parse(response.json());
      expect(body.errors).toBeUndefined();
      return body.data;
    } finally {
      await app.close();
    }
  }

  close(): Promise<void> {
    return this.#home.remove();
  }
}

const storeFacts = z.object({
  n_entries: z.number(),
  total_values: z.number(),
  total_l2: z.number(),
});
const runFacts = z.object({
  method: z.string(),
  seed: z.number(),
  benchmark: z.string(),
  model_id: z.string(),
  split: z.string(),
  activation_path: z.string(),
  n_generations: z.number(),
  n_predictions: z.number(),
  n_halu_predictions: z.number(),
  n_halu_generations: z.number(),
  sum_score_halu: z.number(),
  n_train_metrics: z.number(),
  last_train_loss: z.number(),
  response_utf8_bytes_total: z.number(),
  metrics: z.record(z.string(), z.number().nullable()),
  extended: z.object({
    ece_15bin_equal_width_clipped_to_0_1: z.number(),
    fpr_at_95_tpr_interpolated: z.number(),
  }),
});
const group = z.object({
  method: z.string(),
  metric: z.string(),
  n_seeds: z.number(),
  mean: z.number(),
  std_ddof1: z.number(),
  ci95_half_width_student_t: z.number(),
});
const expectedSchema = z.object({
  good: z.object({
    runs: z.record(z.string(), runFacts),
    stores: z.record(z.string(), storeFacts),
    groups: z.array(group),
  }),
  formats: z.record(z.string(), z.unknown()),
});

/** Whatever depends on when or where the ingest ran is left out. */
const COMPARED = [
  'SELECT run_id, family, method, model_id, benchmark, split, seed, run_date, created_at, status, verdict, config, manifest, compliance, content_sha256, n_generations, n_predictions, n_activations, n_issues FROM runs ORDER BY run_id',
  'SELECT * EXCLUDE (ingest_id) FROM generations ORDER BY run_id, example_id, source_line',
  'SELECT * EXCLUDE (ingest_id) FROM predictions ORDER BY run_id, example_id, source_line',
  'SELECT * EXCLUDE (ingest_id) FROM metrics ORDER BY run_id, scope, metric, source, split',
  'SELECT * EXCLUDE (ingest_id) FROM train_metrics ORDER BY run_id, step',
  'SELECT * EXCLUDE (ingest_id) FROM issues ORDER BY ALL',
  'SELECT * FROM activations ORDER BY store_id, site, layer, activation_key, token_index',
  'SELECT * FROM tokens ORDER BY store_id, activation_key, segment, token_index',
];

describe.skipIf(sharedDir === undefined)('the HalluLens fixtures in a lake', () => {
  let test: TestLake;
  const expected =
    sharedDir === undefined
      ? undefined
      : expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')));
  const good = expected?.good ?? { runs: {}, stores: {}, groups: [] };
  const runIdOf = (path: string) => path.replace(/^runs\//, 'main/hallulens/');
  const close = (actual: unknown, wanted: number) =>
    expect(Math.abs(Number(actual) - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
  let report: IngestReport;

  beforeAll(async () => {
    test = await TestLake.open();
    report = await test.ingest(`${fixtures}/good`);
  });
  afterAll(() => test.close());

  it('accepts every good run', () => {
    expect(report.runs.filter((run) => run.status !== 'ingested')).toEqual([]);
    expect(report.runs.length).toBeGreaterThanOrEqual(Object.keys(good.runs).length + 34);
  });

  it.each(Object.keys(good.runs))('reproduces %s in SQL', async (path) => {
    const facts = good.runs[path]!;
    const id = runIdOf(path);
    const [run] = await test.sql(`SELECT * FROM runs WHERE run_id = '${id}'`);
    expect(run).toMatchObject({
      method: facts.method,
      seed: facts.seed,
      benchmark: facts.benchmark,
      model_id: facts.model_id,
      split: facts.split,
      n_generations: facts.n_generations,
      n_predictions: facts.n_predictions,
      status: 'completed',
    });
    const [predictions] = await test.sql(
      `SELECT count(*) n, count(*) FILTER (label_halu) halu, sum(score_halu) score FROM predictions WHERE run_id = '${id}'`,
    );
    expect(predictions).toMatchObject({ n: facts.n_predictions, halu: facts.n_halu_predictions });
    close(predictions?.['score'], facts.sum_score_halu);
    const [generations] = await test.sql(
      `SELECT count(*) n, count(*) FILTER (halu) halu, sum(strlen(response)) bytes FROM generations WHERE run_id = '${id}'`,
    );
    expect(generations).toEqual({
      n: facts.n_generations,
      halu: facts.n_halu_generations,
      bytes: facts.response_utf8_bytes_total,
    });
    const [training] = await test.sql(
      `SELECT count(*) n, arg_max(loss, step) FILTER (split = 'train') loss FROM train_metrics WHERE run_id = '${id}'`,
    );
    expect(training?.['n']).toBe(facts.n_train_metrics);
    close(training?.['loss'], facts.last_train_loss);
    const recomputed = await test.sql(
      `SELECT metric, value FROM metrics WHERE run_id = '${id}' AND source = 'recomputed' AND scope = 'overall'`,
    );
    const value = (metric: string) => recomputed.find((row) => row['metric'] === metric)?.['value'];
    for (const metric of ['auroc', 'auprc', 'accuracy', 'f1']) close(value(metric), facts.metrics[metric]!);
    close(value('ece'), facts.extended.ece_15bin_equal_width_clipped_to_0_1);
  });

  it.each(Object.keys(good.stores))(
    'holds every value of %s once, and shows it to both of its runs',
    async (path) => {
      const facts = good.stores[path]!;
      const [run] = Object.entries(good.runs).find(([, r]) => r.activation_path === path)!;
      const [sum] = await test.sql(
        `SELECT count(DISTINCT a.activation_key) AS keys, sum(a.dim) AS n, sqrt(sum(a.norm ** 2)) AS l2,
         sqrt(sum(list_sum(list_transform(a.vector, lambda v: v::DOUBLE ** 2)))) AS l2_of_values
       FROM run_stores s JOIN activations a USING (store_id)
       WHERE s.run_id = '${runIdOf(run)}' AND a.site = 'resid_post'`,
      );
      expect(sum).toMatchObject({ keys: facts.n_entries, n: facts.total_values });
      close(sum?.['l2'], facts.total_l2);
      close(sum?.['l2_of_values'], facts.total_l2);
      const [stores] = await test.sql(
        `SELECT count(*) AS runs, count(DISTINCT store_id) AS stores FROM run_stores WHERE uri LIKE '%/${path}'`,
      );
      expect(stores).toEqual({ runs: 2, stores: 1 });
    },
  );

  it('links every prediction to its generation and its activations', async () => {
    const [orphans] = await test.sql(
      `SELECT count(*) AS n FROM predictions p
       LEFT JOIN generations g USING (run_id, example_id)
       LEFT JOIN (SELECT DISTINCT s.run_id, a.activation_key FROM run_stores s JOIN activations a USING (store_id)) a
         ON a.run_id = p.run_id AND a.activation_key = g.activation_key
       JOIN runs r ON r.run_id = p.run_id AND r.run_date IS NOT NULL
       WHERE g.prompt IS NULL OR a.activation_key IS NULL OR p.label_halu <> g.halu`,
    );
    expect(orphans).toEqual({ n: 0 });
  });

  it('aggregates metrics across seeds in GraphQL as expected', async () => {
    for (const metric of new Set(good.groups.map((g) => g.metric))) {
      const data = await test.graphql(
        `{ aggregateMetrics(metric: "${metric}", groupBy: [METHOD], filter: {benchmark: {eq: "triviaqa"}}) { method n mean sd halfWidth interval } }`,
      );
      const rows = z
        .object({
          aggregateMetrics: z.array(
            z.object({
              method: z.string(),
              n: z.number(),
              mean: z.number(),
              sd: z.number(),
              halfWidth: z.number(),
              interval: z.string(),
            }),
          ),
        })
        .parse(data).aggregateMetrics;
      for (const wanted of good.groups.filter((g) => g.metric === metric)) {
        const row = rows.find((r) => r.method === wanted.method)!;
        expect(row.n).toBe(wanted.n_seeds);
        close(row.mean, wanted.mean);
        close(row.sd, wanted.std_ddof1);
        close(row.halfWidth, wanted.ci95_half_width_student_t);
        expect(row.interval).toMatch(/Student t/);
      }
    }
  });

  it('answers for the hallucinated examples of a run: prompt, response, score and the last-layer activation', async () => {
    const [path, facts] = Object.entries(good.runs)[0]!;
    const data = await test.graphql(
      `{ run(id: "${runIdOf(path)}") { generations(filter: {halu: {eq: true}}, first: 200) {
           exampleId prompt response prediction { scoreHalu } activations(layer: -1) { layer dim tokenIndex vector } } } }`,
    );
    const { generations } = z
      .object({
        run: z.object({
          generations: z.array(
            z.object({
              exampleId: z.string(),
              prompt: z.string(),
              response: z.string(),
              prediction: z.object({ scoreHalu: z.number() }).nullable(),
              activations: z.array(
                z.object({ layer: z.literal(4), dim: z.literal(32), vector: z.array(z.number()).length(32) }),
              ),
            }),
          ),
        }),
      })
      .parse(data).run;
    expect(generations.length).toBe(facts.n_halu_generations);
    expect(generations.filter((g) => g.prediction !== null).length).toBe(facts.n_halu_predictions);
    expect(generations.every((g) => g.activations.length > 0)).toBe(true);
  });

  it('changes nothing when the same tree is ingested again', async () => {
    const before = (await test.lake.snapshot()).token;
    const again = await test.ingest(`${fixtures}/good`);
    expect(new Set(again.runs.map((run) => run.status))).toEqual(new Set(['unchanged']));
    expect((await test.lake.snapshot()).token).toBe(before);
  });

  it.skipIf(s3Missing !== undefined)('answers every query with the bytes of a lake on S3', async () => {
    const store = new S3Store(await freshBucket(await s3Server(inject('s3StateFolder')), 'some/lake'));
    const remote = await TestLake.open(store);
    await remote.ingest(`${fixtures}/good`);
    for (const query of COMPARED) {
      const [a, b] = [
        jsonRows(await test.lake.sandboxedQuery(await test.lake.snapshot(), query)),
        jsonRows(await remote.lake.sandboxedQuery(await remote.lake.snapshot(), query)),
      ];
      expect(a.length).toBeGreaterThan(100);
      expect(b).toBe(a);
    }
    expect(readdirSync(join(remote.directory, 'home/cache')).length).toBeGreaterThan(0);
    await remote.close();
  });

  it('rejects every bad run with its violation and keeps no row of it', async () => {
    const manifest = z
      .object({ violations: z.array(z.object({ run_dir: z.string(), violation: z.string() })) })
      .parse(JSON.parse(readFileSync(`${fixtures}/bad/manifest.json`, 'utf8')));
    const bad = await test.ingest(`${fixtures}/bad`, 'bad');
    for (const { run_dir, violation } of manifest.violations) {
      const run = bad.runs.find((r) => r.runId === run_dir.replace(/^runs\//, 'bad/hallulens/'));
      expect(run?.status, run_dir).toBe('rejected');
      expect(run?.issues.filter((i) => i.severity === 'error').map((i) => i.code)).toContain(
        violation.toUpperCase(),
      );
    }
    for (const table of [
      'runs',
      'generations',
      'predictions',
      'metrics',
      'train_metrics',
      'issues',
      'run_stores',
    ]) {
      const [count] = await test.sql(
        `SELECT count(*) AS n FROM ${table} WHERE run_id LIKE 'bad/%runs%' OR run_id IN (${manifest.violations.map((v) => `'${v.run_dir.replace(/^runs\//, 'bad/hallulens/')}'`).join(', ')})`,
      );
      expect(count, table).toEqual({ n: 0 });
    }
  });

  it('is clean', async () => {
    const { findings } = await checkTables(test.lake, undefined);
    expect(findings).toEqual([]);
  });
});
