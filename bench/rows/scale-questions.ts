import { sqlString } from '../../lake/engine/sql-text.ts';

/** A question, in GraphQL and in SQL over one sorted file a table. */
export interface Question {
  readonly name: string;
  readonly graphql: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly sql: (table: (name: string) => string) => string;
}

export function questions(runId: string): Question[] {
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
