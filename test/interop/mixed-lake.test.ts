import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ENTITIES } from '../../graphql/plan/entities.ts';
import { createServer } from '../../graphql/server.ts';
import { discoverRuns } from '../../ingest/discovery/discover.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import type { Issue } from '../../ingest/family.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../../ingest/report.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { everyFamilyTree } from '../support/every-family.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures`;
const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** A number of each family that its runs report. */
const METRICS = {
  HALLULENS: 'auroc',
  CHAOSBENCH: 'accuracy_valid',
  ENTROPY: 'delta_h_per_lr',
  FV: 'aie_max',
  LM_EVAL: 'acc',
} as const;
const NAMES = Object.keys(METRICS);

/** The query over all families in README.md and the answer printed there. */
function readmeExample(): { readonly query: string; readonly answer: unknown } {
  const section = readFileSync(repository('README.md'), 'utf8').split('## Every family at once')[1] ?? '';
  const [, query = ''] = /```graphql\n(.*?)```/s.exec(section) ?? [];
  const [, answer = ''] = /```json\n(.*?)```/s.exec(section) ?? [];
  return { query, answer: JSON.parse(answer) };
}

describe.skipIf(sharedDir === undefined)('a lake of every family', () => {
  const tree = everyFamilyTree({
    'README.md': 'notes',
    'data/train/1.jsonl': '{}',
    'data/train/2.jsonl': '{}',
  });
  let lake: TemporaryLake;
  let app: FastifyInstance;
  let report: IngestReport;

  const ask = async (query: string): Promise<unknown> => {
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
    const body = z.object({ data: z.unknown(), errors: z.unknown().optional() }).parse(response.json());
    expect(body.errors).toBeUndefined();
    return body.data;
  };

  beforeAll(async () => {
    lake = await temporaryLake();
    report = await ingest(lake.writer, [tree.path], { families: FAMILIES });
    app = await createServer({ reader: lake.lake });
  });
  afterAll(async () => {
    await app.close();
    await lake.remove();
    tree.remove();
  });

  it('takes every run of the tree, each once, and says what it skipped', () => {
    expect(report.runs.filter(({ status }) => status !== 'ingested')).toEqual([]);
    const count = (family: string) => report.runs.filter((run) => run.family === family).length;
    expect(Object.fromEntries(NAMES.map((family) => [family, count(family)]))).toEqual({
      HALLULENS: 1,
      CHAOSBENCH: 1,
      ENTROPY: 1,
      FV: 1,
      LM_EVAL: 13,
    });
    expect(new Set(report.runs.map(({ runId }) => runId)).size).toBe(report.runs.length);
    expect(report.issues.filter(({ code }) => code === 'UNRECOGNISED_FILES')).toEqual([
      {
        severity: 'info',
        code: 'UNRECOGNISED_FILES',
        file: join(tree.path, 'data'),
        message: '2 data files (train/1.jsonl, train/2.jsonl) of no known kind of run; skipped',
      },
    ]);
    expect(report.issues.map(({ code }) => code)).not.toContain('CLAIMED_TWICE');
  });

  it('holds no two rows that their entity cannot tell apart, of which pages would lose one', async () => {
    const repeated = Object.values(ENTITIES).map(
      ({ name, table, identity }) =>
        `SELECT '${name}' AS name FROM ${table.name} GROUP BY ${identity.join(', ')} HAVING count(*) > 1`,
    );
    const snapshot = await lake.lake.snapshot();
    expect((await lake.lake.sandboxedQuery(snapshot, repeated.join(' UNION '))).rows).toEqual([]);
  });

  it('answers the query of the README as the README says', async () => {
    const { query, answer } = readmeExample();
    expect({ data: await ask(query) }).toEqual(answer);
  });

  it('gives runs of every family with their metrics and issues in one query', async () => {
    const data = await ask(`{ runs(filter: { nIssues: { gt: 0 } }) {
      nodes { family metrics(filter: { source: { eq: "reported" } }) { metric value } issues { code message } } } }`);
    const { nodes } = z
      .object({
        runs: z.object({
          nodes: z.array(
            z.object({ family: z.string(), metrics: z.array(z.unknown()), issues: z.array(z.unknown()) }),
          ),
        }),
      })
      .parse(data).runs;
    expect(nodes.map(({ family }) => family).sort()).toEqual([...NAMES].sort());
    for (const { metrics, issues } of nodes) {
      expect(metrics.length).toBeGreaterThan(0);
      expect(issues.length).toBeGreaterThan(0);
    }
  });

  it.each(NAMES)('filters %s like the others', async (family) => {
    const schema = z.object({
      family: z.object({ totalCount: z.number() }),
      same: z.object({ totalCount: z.number() }),
      none: z.object({ totalCount: z.number() }),
      metrics: z.object({ nodes: z.array(z.object({ run: z.object({ family: z.string() }) })) }),
    });
    const of = `family: { eq: "${family}" }`;
    const data = schema.parse(
      await ask(`{
        family: runs(filter: { ${of} }) { totalCount }
        same: runs(filter: { ${of}, or: [{ status: { in: ["completed", "running", "partial"] } }, { status: { isNull: true } }],
                             not: { id: { contains: "nobody" } }, nIssues: { gte: 0 }, method: { isNull: false } }) { totalCount }
        none: runs(filter: { ${of}, benchmark: { eq: "no such benchmark" } }) { totalCount }
        metrics(filter: { run: { ${of} }, value: { isNull: false } }, first: 3) { nodes { run { family } } }
      }`),
    );
    expect(data.family.totalCount).toBe(report.runs.filter((run) => run.family === family).length);
    expect(data.same.totalCount).toBe(data.family.totalCount);
    expect(data.none.totalCount).toBe(0);
    expect(data.metrics.nodes.map(({ run }) => run.family)).toEqual([family, family, family]);
  });

  it('shows generations and predictions of every family that has them in the same fields', async () => {
    const data = await ask(`{ runs(first: 100) { nodes { family nGenerations nPredictions
      generations(first: 1) { prompt } predictions(first: 1) { exampleId } } } }`);
    const row = z.object({
      family: z.string(),
      nGenerations: z.number(),
      nPredictions: z.number(),
      generations: z.array(z.object({ prompt: z.string() })),
      predictions: z.array(z.object({ exampleId: z.string() })),
    });
    const { nodes } = z.object({ runs: z.object({ nodes: z.array(row) }) }).parse(data).runs;
    for (const run of nodes) {
      expect(run.generations.length).toBe(Math.min(1, run.nGenerations));
      expect(run.predictions.length).toBe(Math.min(1, run.nPredictions));
    }
    const families = (has: (run: z.infer<typeof row>) => boolean) =>
      [...new Set(nodes.filter(has).map(({ family }) => family))].sort();
    expect(families(({ nGenerations }) => nGenerations > 0)).toEqual(['CHAOSBENCH', 'FV', 'LM_EVAL']);
    expect(families(({ nPredictions }) => nPredictions > 0)).toEqual(['CHAOSBENCH', 'HALLULENS', 'LM_EVAL']);
  });

  it.each(Object.entries(METRICS))('aggregates %s: %s', async (family, metric) => {
    const data = await ask(`{
      aggregateMetrics(metric: "${metric}", groupBy: [FAMILY, BENCHMARK, METHOD], filter: { family: { eq: "${family}" } }) {
        family benchmark n mean }
      metrics(filter: { metric: { eq: "${metric}" }, source: { eq: "reported" }, scope: { eq: "overall" }, run: { family: { eq: "${family}" } } }) {
        nodes { value run { benchmark } } } }`);
    const { aggregateMetrics: groups, metrics } = z
      .object({
        aggregateMetrics: z.array(
          z.object({ family: z.string(), benchmark: z.string().nullable(), n: z.number(), mean: z.number() }),
        ),
        metrics: z.object({
          nodes: z.array(
            z.object({ value: z.number(), run: z.object({ benchmark: z.string().nullable() }) }),
          ),
        }),
      })
      .parse(data);
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) {
      const values = metrics.nodes
        .filter(({ run }) => run.benchmark === group.benchmark)
        .map(({ value }) => value);
      expect(group).toMatchObject({ family, n: values.length });
      expect(group.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 12);
    }
  });

  it('changes nothing when it is ingested again', async () => {
    const again = await ingest(lake.writer, [tree.path], { families: FAMILIES });
    expect(new Set(again.runs.map(({ status }) => status))).toEqual(new Set(['unchanged']));
  });
});

describe.skipIf(sharedDir === undefined)('the fixtures of every family, as one tree', () => {
  it('holds runs of each, none of them twice, and no directory that two families claim', async () => {
    const issues: Issue[] = [];
    const found = new Map<string, number>();
    const tree = { store: new LocalStore('/'), prefix: fixtures.slice(1) };
    const context = { namespace: 'main', issue: (issue: Issue) => void issues.push(issue) };
    for await (const { candidate } of discoverRuns(tree, FAMILIES, context)) {
      found.set(candidate.family, (found.get(candidate.family) ?? 0) + 1);
    }
    expect([...found.keys()].sort()).toEqual(NAMES.filter((name) => name !== 'LM_EVAL').sort());
    const codes = issues.map(({ code }) => code);
    expect(codes).not.toContain('CLAIMED_TWICE');
    expect(codes).not.toContain('DUPLICATE_RUN');
    expect(
      issues
        .filter(({ code }) => code === 'UNRECOGNISED_FILES')
        .map(({ file }) => file?.slice(tree.prefix.length + 1)),
    ).toEqual(expect.arrayContaining(['chaosbench', 'entropy', 'fv', 'fv/model_tiny-llama-a', 'hallulens']));
  });
});
