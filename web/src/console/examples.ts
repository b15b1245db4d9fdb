import type { Mode } from './view.ts';

/** A query to start from. */
export interface Example {
  readonly title: string;
  /** One line: what the answer shows. */
  readonly about: string;
  readonly mode: Mode;
  /** Tables that must have rows for it to say something. */
  readonly needs: readonly string[];
  readonly query: string;
  readonly variables?: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: 'Runs by AUROC',
    about: 'Each run with its reported AUROC and interval, the best first.',
    mode: 'graphql',
    needs: ['metrics'],
    query: `query ($metric: String!, $after: String) {
  metrics(
    filter: { metric: { eq: $metric }, scope: { eq: "overall" }, source: { eq: "reported" } }
    orderBy: [{ field: VALUE, direction: DESC }]
    first: 100
    after: $after
  ) {
    totalCount
    nodes { value ciLow ciHigh run { id method modelId benchmark seed } }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: '{ "metric": "auroc" }\n',
  },
  {
    title: 'Methods with intervals',
    about: 'Mean AUROC over seeds with its confidence interval, by method and benchmark.',
    mode: 'graphql',
    needs: ['metrics'],
    query: `{
  aggregateMetrics(metric: "auroc", groupBy: [METHOD, BENCHMARK]) {
    method
    benchmark
    n
    mean
    sd
    ciLow
    ciHigh
    interval
  }
}
`,
  },
  {
    title: 'Hallucinations that looked sound',
    about: 'Hallucinated responses with the lowest scores, with their prompts: the detectors’ worst misses.',
    mode: 'graphql',
    needs: ['predictions', 'generations'],
    query: `{
  predictions(
    filter: { labelHalu: { eq: true }, scoreHalu: { isNull: false } }
    orderBy: [{ field: SCORE_HALU }]
    first: 50
  ) {
    totalCount
    nodes { scoreHalu method benchmark generation { prompt response } runId }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    title: 'Heads with the greatest effect',
    about: 'Attention heads by average indirect effect, and whether the function vector has them.',
    mode: 'graphql',
    needs: ['fv_heads'],
    query: `{
  fvHeads(orderBy: [{ field: MEAN_DELTA_P, direction: DESC }], first: 50) {
    nodes { layer head meanDeltaP stdDeltaP selected run { id modelId } }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    title: 'Metrics by method',
    about: 'Mean and spread of AUROC and ECE over runs, from the wide view of metrics.',
    mode: 'sql',
    needs: ['metrics'],
    query: `SELECT method, benchmark, count(*) AS runs, avg(auroc) AS auroc, stddev_samp(auroc) AS sd, avg(ece) AS ece
FROM run_metrics
WHERE auroc IS NOT NULL
GROUP BY ALL
ORDER BY auroc DESC
`,
  },
  {
    title: 'Worst predictions with prompts',
    about: 'Sound responses that were scored as hallucinations, the surest first.',
    mode: 'sql',
    needs: ['predictions', 'generations'],
    query: `SELECT score_halu, method, benchmark, prompt, response, run_id
FROM example_predictions
WHERE label_halu = false AND score_halu IS NOT NULL AND prompt IS NOT NULL
ORDER BY score_halu DESC
LIMIT 100
`,
  },
  {
    title: 'Indirect effect by layer',
    about: 'Sum and maximum of the average indirect effect (AIE) of the heads of each layer.',
    mode: 'sql',
    needs: ['fv_heads'],
    query: `SELECT run_id, layer, sum(mean_delta_p) AS aie_sum, max(mean_delta_p) AS aie_max, count_if(selected) AS selected
FROM heads
GROUP BY ALL
ORDER BY run_id, layer
`,
  },
  {
    title: 'Norms of activations by layer',
    about: 'How long the vectors of each model are, layer by layer.',
    mode: 'sql',
    needs: ['activations'],
    query: `SELECT model_id, site, token_selector, layer, count(*) AS n, avg(norm) AS norm, stddev_samp(norm) AS sd
FROM activations
GROUP BY ALL
ORDER BY ALL
`,
  },
  {
    title: 'Answers by family of items',
    about: 'ChaosBench: how often a model answers at all, and how often rightly, by family.',
    mode: 'sql',
    needs: ['predictions'],
    query: `SELECT model_id, task_family, count(*) AS n, avg((pred_label IS NOT NULL)::INT) AS coverage, avg(correct::INT) AS accuracy_valid
FROM example_predictions
WHERE family = 'CHAOSBENCH'
GROUP BY ALL
ORDER BY ALL
`,
  },
  {
    title: 'True and predicted change of entropy',
    about: 'By learning rate: the true change beside what the derivatives predict.',
    mode: 'sql',
    needs: ['entropy_points'],
    query: `SELECT run_id, eta, delta_h_true, linear, linquad, linquad_error
FROM entropy_etas
ORDER BY run_id, eta
`,
  },
];

/** The examples that a lake with rows in these tables can answer. */
export function examplesFor(filled: ReadonlySet<string>): readonly Example[] {
  return EXAMPLES.filter(({ needs }) => needs.every((table) => filled.has(table)));
}
