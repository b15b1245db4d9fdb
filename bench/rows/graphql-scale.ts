import { join } from 'node:path';
import type { Lake } from '../../lake/lake.ts';
import { sqlString } from '../../lake/parquet/file-name.ts';
import { generateLake } from '../data/lake.ts';
import { dataFiles, type GraphqlSession, graphqlSession, openLake, withWriter } from '../lakes.ts';
import { interleave, seconds } from '../measure.ts';
import { ReferenceDuckdb } from '../reference-duckdb.ts';
import { dataset } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

/** A question, in GraphQL and in SQL over one sorted file a table. */
interface Question {
  readonly name: string;
  readonly graphql: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly sql: (table: (name: string) => string) => string;
}

function questions(runId: string): Question[] {
  return [
    {
      name: 'page of a run by score',
      graphql: `query ($run: String) { predictions(filter: { runId: { eq: $run }, labelHalu: { eq: true } },
        orderBy: [{ field: SCORE_HALU, direction: DESC }], first: 50) {
        nodes { exampleId scoreHalu labelHalu predHalu } pageInfo { hasNextPage endCursor } } }`,
      variables: { run: runId },
      sql: (table) => `SELECT example_id, score_halu, label_halu, pred_halu FROM ${table('predictions')}
        WHERE run_id = ${sqlString(runId)} AND label_halu ORDER BY score_halu DESC, example_id LIMIT 50`,
    },
    {
      name: 'page of runs, filtered and ordered',
      graphql: `{ runs(filter: { method: { eq: "method_3" }, benchmark: { in: ["benchmark_1", "benchmark_2"] } },
        orderBy: [{ field: CREATED_AT, direction: DESC }], first: 50) {
        nodes { id method modelId benchmark seed createdAt nPredictions } pageInfo { hasNextPage endCursor } totalCount } }`,
      sql: (
        table,
      ) => `SELECT run_id, method, model_id, benchmark, seed, created_at, n_predictions, count(*) OVER () AS total
        FROM ${table('runs')} WHERE method = 'method_3' AND benchmark IN ('benchmark_1', 'benchmark_2')
        ORDER BY created_at DESC, run_id LIMIT 50`,
    },
    {
      name: 'aggregateMetrics of every run',
      graphql: `{ aggregateMetrics(metric: "auroc", groupBy: [METHOD, MODEL_ID, BENCHMARK]) {
        method modelId benchmark n mean sd ciLow ciHigh } }`,
      sql: (
        table,
      ) => `SELECT r.method, r.model_id, r.benchmark, count(*) AS n, avg(m.value) AS mean, stddev_samp(m.value) AS sd
        FROM ${table('metrics')} m JOIN ${table('runs')} r USING (run_id)
        WHERE m.metric = 'auroc' AND m.scope = 'overall' AND m.source = 'reported' GROUP BY ALL`,
    },
    {
      name: 'aggregateMetrics of one benchmark',
      graphql: `{ aggregateMetrics(metric: "auroc", groupBy: [METHOD], filter: { benchmark: { eq: "benchmark_7" } }) {
        method n mean sd ciLow ciHigh } }`,
      sql: (table) => `SELECT r.method, count(*) AS n, avg(m.value) AS mean, stddev_samp(m.value) AS sd
        FROM ${table('metrics')} m JOIN ${table('runs')} r USING (run_id)
        WHERE m.metric = 'auroc' AND m.scope = 'overall' AND m.source = 'reported' AND r.benchmark = 'benchmark_7'
        GROUP BY ALL`,
    },
    {
      name: 'best-scored page over all predictions',
      graphql: `{ predictions(filter: { labelHalu: { eq: false }, scoreHalu: { gt: 0.69 } },
        orderBy: [{ field: SCORE_HALU, direction: DESC }], first: 50) {
        nodes { exampleId scoreHalu run { method benchmark } } pageInfo { hasNextPage endCursor } } }`,
      sql: (table) => `SELECT p.example_id, p.score_halu, r.method, r.benchmark
        FROM (SELECT run_id, example_id, score_halu FROM ${table('predictions')}
          WHERE NOT label_halu AND score_halu > 0.69 ORDER BY score_halu DESC, run_id, example_id LIMIT 50) p
        JOIN ${table('runs')} r USING (run_id) ORDER BY p.score_halu DESC, p.run_id, p.example_id`,
    },
  ];
}

/** Queries at 10,000 runs and 5 million predictions, against the same SQL on one sorted file a table. */
export const graphqlScale: Bench = {
  name: 'graphql-scale',
  doc: 'filter + order + page and aggregateMetrics at 10,000 runs and 5 M predictions',
  async run(context) {
    const { quick, scratch, threads, repetitions, log } = context;
    const size = { runs: quick ? 500 : 10_000, predictions: quick ? 250_000 : 5_000_000 };
    const directory = await dataset(scratch, `scale-${size.runs}-${size.predictions}`, (unfinished) =>
      withWriter(unfinished, threads, (writer) =>
        generateLake(writer, { ...size, generations: 0, activations: 0 }),
      ),
    );
    const lake = await openLake(directory, threads);
    const session = await graphqlSession(lake);
    const duckdb = await ReferenceDuckdb.open(threads);
    try {
      const single = await singleFiles(lake, duckdb, scratch);
      const snapshot = await lake.snapshot();
      const runId = [...snapshot.runs.keys()].sort()[Math.floor(size.runs / 2)] ?? '';
      const outcomes: Outcome[] = [];
      for (const question of questions(runId)) {
        outcomes.push(...(await compare(question, session, duckdb, single, repetitions)));
      }
      log(`${(await dataFiles(lake, 'predictions')).length} files of predictions`);
      return outcomes;
    } finally {
      duckdb.close();
      await session.close();
      await lake.close();
    }
  },
};

/** Copies of the tables as one sorted file each. */
async function singleFiles(
  lake: Lake,
  duckdb: ReferenceDuckdb,
  scratch: string,
): Promise<(name: string) => string> {
  const snapshot = await lake.snapshot();
  const count = snapshot.runs.size;
  const directory = await dataset(scratch, `scale-single-${count}`, async (unfinished) => {
    for (const name of ['runs', 'metrics', 'predictions']) {
      const { sql } = await lake.relation(snapshot, name);
      const order = lake.specs.get(name)?.sortBy.join(', ') ?? 'run_id';
      await duckdb.connection.run(
        `COPY (SELECT * FROM ${sql} ORDER BY ${order}) TO ${sqlString(join(unfinished, `${name}.parquet`))}
         (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
      );
    }
  });
  return (name) => `read_parquet(${sqlString(join(directory, `${name}.parquet`))})`;
}

async function compare(
  question: Question,
  session: GraphqlSession,
  duckdb: ReferenceDuckdb,
  table: (name: string) => string,
  repetitions: number,
): Promise<Outcome[]> {
  const sql = question.sql(table);
  const times = await interleave(
    {
      graphql: () => seconds(() => session.ask(question.graphql, question.variables)),
      sql: () => seconds(() => duckdb.json(sql)),
    },
    { repetitions: 4 * repetitions, warmups: 3 },
  );
  return [
    {
      what: question.name,
      unit: 's',
      ours: times.graphql,
      reference: times.sql,
      against: 'SQL on one file',
      value: times.graphql.median / times.sql.median,
      target: { relation: '<=', value: 2 },
    },
    {
      what: `${question.name}, p50`,
      unit: 'ms',
      ours: scaled(times.graphql),
      value: times.graphql.median * 1000,
      target: { relation: '<', value: 50 },
    },
  ];
}

function scaled(times: Outcome['ours']): Outcome['ours'] {
  const { median, min, max, samples } = times;
  return { median: median * 1000, min: min * 1000, max: max * 1000, samples: samples.map((s) => s * 1000) };
}
