import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { ENTROPY } from '../../ingest/families/entropy/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../../ingest/report.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';
import { expectedEntropy, fixtures } from './entropy-expectation.ts';

const RESULTS = 'entropy_experiments/results';
const ORIGINAL = 'diagnostics_run/run_with_denom_fix/run_02';
const COPY = 'diagnostics_run/full_data/old/run_02';

const comparisonSchema = z.object({
  normalization: z.string(),
  deltaHTrue: z.number(),
  trueSum: z.number(),
  perSequenceValue: z.number(),
  linear: z.number(),
  linearSum: z.number().nullable(),
  linquad: z.number(),
  linquadSum: z.number().nullable(),
  linquadNested: z.number(),
  update: z.object({ normalization: z.string(), trueNormalization: z.string() }),
  checks: z.array(
    z.object({
      identity: z.string(),
      difference: z.number(),
      tolerance: z.number(),
      holds: z.boolean(),
      asserted: z.boolean(),
    }),
  ),
  sequences: z.array(
    z.object({
      sequence: z.number(),
      weight: z.number(),
      trueContrib: z.number(),
      linear: z.number().nullable(),
      quad: z.number().nullable(),
      linquad: z.number().nullable(),
    }),
  ),
});

const COMPARISON = `query ($id: ID!, $eta: Float!, $first: Int!) {
  entropyComparison(runId: $id, eta: $eta) {
    normalization deltaHTrue trueSum perSequenceValue linear linearSum linquad linquadSum linquadNested
    update { normalization trueNormalization }
    checks { identity difference tolerance holds asserted }
    sequences(first: $first) { sequence weight trueContrib linear quad linquad }
  }
}`;

const near = (found: number | null, expected: number | undefined) => {
  if (expected === undefined) return;
  expect(Math.abs(Number(found) - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected) + 1e-14);
};

describe.skipIf(sharedDir === undefined)('entropy runs in the lake', () => {
  const tree = mkdtempSync(join(tmpdir(), 'runlake-entropy-'));
  let lake: TemporaryLake;
  let app: FastifyInstance;
  let report: IngestReport;

  beforeAll(async () => {
    cpSync(`${fixtures}/repo`, `${tree}/repo`, { recursive: true });
    cpSync(`${tree}/repo/${RESULTS}/${ORIGINAL}`, `${tree}/repo/${RESULTS}/${COPY}`, { recursive: true });
    cpSync(`${fixtures}/broken`, `${tree}/broken`, { recursive: true });
    cpSync(`${fixtures}/synthetic_valid`, `${tree}/synthetic_valid`, { recursive: true });
    lake = await temporaryLake();
    report = await ingest(lake.writer, [tree], { families: [ENTROPY] });
    app = await createServer({ reader: lake.lake });
  });
  afterAll(async () => {
    await app.close();
    await lake.remove();
    rmSync(tree, { recursive: true, force: true });
  });

  async function ask(query: string, variables: object = {}) {
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
    const body = z
      .object({
        data: z.record(z.string(), z.unknown()),
        errors: z.unknown().optional(),
        extensions: z.object({
          issues: z.array(z.object({ path: z.array(z.unknown()), value: z.string() })).optional(),
        }),
      })
      .parse(response.json());
    expect(body.errors).toBeUndefined();
    return body;
  }
  const sql = async (query: string): Promise<unknown[][]> => {
    const { data } = await ask('query ($query: String!) { sql(query: $query) { rows } }', { query });
    return z.object({ rows: z.array(z.array(z.unknown())) }).parse(data['sql']).rows;
  };

  test('entropyComparison gives the sums and sequences of a learning rate', async () => {
    for (const [path, file] of Object.entries(expectedEntropy().files)) {
      if (file.variant !== 'diagnostics') continue;
      const id = path.replace(RESULTS, 'main/entropy').replace(/\/results2?\.json$/, '');
      for (const entry of file.entries.slice(-1)) {
        // All sequences of one run are enough: the rows themselves are compared where files are read.
        const first = file.B_E === 256 ? 10_000 : 3;
        const { data } = await ask(COMPARISON, { id, eta: entry.eta, first });
        const found = comparisonSchema.parse(data['entropyComparison']);
        expect(found.normalization).toBe('per_token');
        expect(found.update).toEqual({ normalization: 'per_token', trueNormalization: 'per_token' });
        expect(found.deltaHTrue).toBe(entry.delta_h_true);
        near(found.trueSum, entry.sum_true_contrib);
        near(found.perSequenceValue, entry.per_sequence_normalised_value_WRONG);
        near(found.linear, entry.linear_aggregate);
        near(found.linearSum, entry.linear_sum);
        near(found.linquad, entry.linquad_aggregate_delta_h_per_lr);
        near(found.linquadNested, entry.linquad_aggregate_quadratic_gdotv);
        near(found.linquadSum, entry.linquad_sum);
        expect(found.sequences.map(({ sequence }) => sequence)).toEqual(
          Array.from({ length: Math.min(first, entry.n) }, (_, i) => i),
        );
        for (const [i, value] of entry.true_contrib_first3.entries())
          near(found.sequences[i]!.trueContrib, value);
        const contributions = found.sequences.map(({ trueContrib }) => trueContrib);
        const total = contributions.reduce((sum, value) => sum + value, 0);
        if (contributions.length === entry.n) near(total, entry.sum_true_contrib);
        expect(found.checks.every(({ asserted, holds }) => holds || !asserted)).toBe(true);
        const guide = found.checks.find(({ identity }) => identity.includes('quadratic.gdotv*eta'));
        expect(guide?.holds).toBe(file.has_per_sequence ? false : undefined);
        if (guide) near(guide.difference, entry.rel_linquad_sum_vs_quadratic_gdotv_aggregate);
      }
    }
  });

  test('every run keeps the hash of its result file', async () => {
    const hashes = new Map(
      (await sql('SELECT run_id, results_sha256 FROM runs')).map(([id, hash]) => [id, hash]),
    );
    for (const [path, { sha256 }] of Object.entries(expectedEntropy().files)) {
      expect(hashes.get(path.replace(RESULTS, 'main/entropy').replace(/\/results2?\.json$/, ''))).toBe(
        sha256,
      );
    }
  });

  test('a learning rate that was computed is found; one that was not measured is null', async () => {
    const id = `main/entropy/${ORIGINAL}`;
    const some = '{ deltaHTrue }';
    const query = `query ($id: ID!, $a: Float!) { a: entropyComparison(runId: $id, eta: $a) ${some} b: entropyComparison(runId: $id, eta: 1e-3) ${some} c: entropyComparison(runId: "main/entropy/none", eta: $a) ${some} }`;
    const { data } = await ask(query, { id, a: 4e-7 * 2 ** 2 });
    expect(data['a']).toEqual({ deltaHTrue: expect.any(Number) });
    expect([data['b'], data['c']]).toEqual([null, null]);
    const cost = await ask('query ($query: String!) { explainCost(query: $query) { allowed statements } }', {
      query: `{ entropyComparison(runId: "${id}", eta: 1.6e-6) { sequences { weight } } }`,
    });
    expect(cost.data['explainCost']).toMatchObject({ statements: 1, allowed: true });
  });

  test('a sweep has sums and no sequences', async () => {
    const id = 'main/entropy/comparison_across_learning_rates/run_01';
    const { data } = await ask(COMPARISON, { id, eta: 5.12e-5, first: 10 });
    expect(data['entropyComparison']).toMatchObject({
      normalization: 'per_token',
      deltaHTrue: -0.026843882289743826,
      linear: -0.003854642550093869,
      linquad: 0.010718920009270674,
      sequences: [],
    });
  });

  test('NaN and infinities are null with an issue, and themselves in SQL', async () => {
    const run = 'main/entropy/synthetic_valid';
    const { data, extensions } = await ask(
      `{ run(id: "${run}/eta_star_infinity") { entropyUpdate { etaStar } } }`,
    );
    expect(data['run']).toEqual({ entropyUpdate: { etaStar: null } });
    expect(extensions.issues).toEqual([{ path: ['run', 'entropyUpdate', 'etaStar'], value: 'Infinity' }]);
    const nan = await ask(`{ run(id: "${run}/ratio_pred_nan") { entropyPoints { ratioPred } } }`);
    expect(nan.data['run']).toEqual({ entropyPoints: [{ ratioPred: null }, { ratioPred: null }] });
    expect(nan.extensions.issues?.map(({ value }) => value)).toEqual(['NaN', 'NaN']);
    expect(
      await sql(
        'SELECT count(*) FROM entropy_updates WHERE isinf(eta_star) UNION ALL SELECT count(*) FROM entropy_points WHERE isnan(ratio_pred)',
      ),
    ).toEqual([[1], [2]]);
  });

  test('a copy is found once, marked, and counted by nobody', async () => {
    const copies = report.runs.filter(({ issues }) =>
      issues.some(({ code }) => code === 'DUPLICATE_CONTENT'),
    );
    // Of two copies the first of the tree is the original.
    expect(copies.map(({ runId, status }) => [runId, status])).toEqual([
      [`main/entropy/${ORIGINAL}`, 'ingested'],
      ['main/entropy/synthetic_valid/mini_base', 'ingested'],
    ]);
    expect(copies.find(({ runId }) => runId === `main/entropy/${ORIGINAL}`)?.issues[0]?.message).toContain(
      `main/entropy/${COPY}`,
    );
    expect(
      await sql('SELECT run_id, duplicate_of FROM runs WHERE duplicate_of IS NOT NULL ORDER BY 1'),
    ).toContainEqual([`main/entropy/${ORIGINAL}`, `main/entropy/${COPY}`]);
    const { data } = await ask(
      `{ aggregateMetrics(metric: "delta_h_per_lr", groupBy: [FAMILY], filter: {id: {contains: "_02"}}) { n runIds }
         runs(filter: {duplicateOf: {eq: "main/entropy/${COPY}"}}) { nodes { id } } }`,
    );
    const [group] = z
      .array(z.object({ n: z.number(), runIds: z.array(z.string()) }))
      .parse(data['aggregateMetrics']);
    expect(group?.runIds).toContain(`main/entropy/${COPY}`);
    expect(group?.runIds).not.toContain(`main/entropy/${ORIGINAL}`);
    expect(data['runs']).toEqual({ nodes: [{ id: `main/entropy/${ORIGINAL}` }] });
  });

  test('a copy whose original has changed is a measurement of its own', async () => {
    const other = 'diagnostics_run/full_data/E_256/run_01';
    const results = (run: string) => `${tree}/repo/${RESULTS}/${run}/results.json`;
    cpSync(results(other), results(COPY), { force: true });
    const runs = `${tree}/repo/${RESULTS}/diagnostics_run`;
    const changed = await ingest(lake.writer, [runs], { families: [ENTROPY] });
    expect(changed.runs.filter(({ status }) => status !== 'unchanged').map(({ runId }) => runId)).toEqual([
      `main/entropy/${COPY}`,
      `main/entropy/${ORIGINAL}`,
    ]);
    expect(
      await sql(
        `SELECT duplicate_of FROM runs WHERE run_id IN ('main/entropy/${COPY}', 'main/entropy/${ORIGINAL}') ORDER BY run_id`,
      ),
    ).toEqual([[`main/entropy/${other}`], [null]]);
  });

  test('aggregates over runs, a learning rate at a time', async () => {
    const { data } = await ask(
      '{ aggregateMetrics(metric: "delta_h_true", groupBy: [SCOPE, MODEL_ID], filter: {id: {contains: "E_256"}}) { scope modelId n values } }',
    );
    const groups = z
      .array(z.object({ scope: z.string(), modelId: z.string(), n: z.number(), values: z.array(z.number()) }))
      .parse(data['aggregateMetrics']);
    expect(groups.map(({ scope }) => scope).sort()).toEqual(
      ['eta:1.28e-05', 'eta:1.6e-06', 'eta:3.2e-06', 'eta:6.4e-06', 'eta:8e-07'].sort(),
    );
    const { files } = expectedEntropy();
    for (const { scope, n, values, modelId } of groups) {
      expect([n, modelId]).toEqual([2, 'qwen2_5_15']);
      const expected = Object.entries(files).flatMap(([path, file]) =>
        file.variant === 'diagnostics' && path.includes('E_256')
          ? file.entries.filter(({ eta }) => `eta:${eta}` === `eta:${Number(scope.slice(4))}`)
          : [],
      );
      expect(values).toEqual(expected.map(({ delta_h_true }) => delta_h_true));
    }
  });

  test('what was rejected is nowhere, and nothing changes when it is ingested again', async () => {
    const broken = report.runs.filter(({ runId }) => runId.startsWith('main/entropy/broken/'));
    expect(broken.length).toBe(25);
    expect(broken.filter(({ status }) => status !== 'rejected').map(({ runId }) => runId)).toEqual([
      'main/entropy/broken/b22_plan_contradiction',
    ]);
    for (const table of [
      'runs',
      'metrics',
      'entropy_updates',
      'entropy_points',
      'entropy_sequences',
      'entropy_features',
    ])
      expect(await sql(`SELECT DISTINCT run_id FROM ${table} WHERE run_id LIKE '%/broken/%'`)).toEqual([
        ['main/entropy/broken/b22_plan_contradiction'],
      ]);
    const again = await ingest(lake.writer, [tree], { families: [ENTROPY] });
    expect(new Set(again.runs.map(({ status }) => status))).toEqual(new Set(['unchanged', 'rejected']));
    // Named alone, a run is the same: what its group shares is found all the same.
    const alone = await ingest(
      lake.writer,
      [`${tree}/repo/${RESULTS}/diagnostics_run/full_data/E_256/run_02`],
      {
        families: [ENTROPY],
      },
    );
    expect(alone.runs.map(({ runId, status }) => [runId, status])).toEqual([
      ['main/entropy/diagnostics_run/full_data/E_256/run_02', 'unchanged'],
    ]);
  });
});
