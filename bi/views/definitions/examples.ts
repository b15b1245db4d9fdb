import { GENERATIONS, PREDICTIONS, RUNS } from '../../../lake/tables/tables.ts';
import { computed, from, type ViewColumn, view } from '../view.ts';
import { runColumns } from './runs.ts';

/** Every prediction, and the generations that have none; the generation of each, the first where a run repeats one. */
const SCORED = `(
    SELECT * FROM predictions
    UNION ALL BY NAME
    SELECT run_id, ingest_id, example_id FROM generations ANTI JOIN predictions USING (run_id, example_id)
  ) p JOIN runs r ON r.run_id = p.run_id LEFT JOIN (
    SELECT * FROM generations
    QUALIFY row_number() OVER (PARTITION BY run_id, example_id ORDER BY source_line) = 1
  ) g ON g.run_id = p.run_id AND g.example_id = p.example_id`;

const METHOD = 'coalesce(p.method, r.method)';

const generation = (name: string): ViewColumn => from('g', GENERATIONS, name, { optional: true });
const prediction = (name: string): ViewColumn => from('p', PREDICTIONS, name, { optional: true });

export const EXAMPLE_PREDICTIONS = view({
  name: 'example_predictions',
  description:
    'One row a prediction: the run, the example with prompt, response and label, and what was predicted. Generations without a prediction are there too, with nulls for it.',
  tables: [RUNS, GENERATIONS, PREDICTIONS],
  columns: [
    ...runColumns(['run_id', 'family']),
    computed('method', 'VARCHAR', METHOD, 'Method that made the prediction (LM_EVAL: the filter).'),
    ...runColumns(['model_id', 'benchmark', 'seed', 'run_date']),
    from('p', PREDICTIONS, 'example_id'),
    computed(
      'split',
      'VARCHAR',
      'coalesce(p.split, g.split, r.split)',
      'Split of the example, else that of the run.',
    ),
    prediction('task_family'),
    ...['prompt', 'response', 'reference', 'halu', 'abstained', 'label_source'].map(generation),
    ...[
      'score_halu',
      'label_halu',
      'pred_halu',
      'threshold',
      'pred_label',
      'true_label',
      'outcome',
      'correct',
      'latency_s',
    ].map(prediction),
    generation('activation_key'),
  ],
  from: `FROM ${SCORED}`,
});

export const EXAMPLES = view({
  name: 'examples',
  description:
    'One row a response of a model to an example of a benchmark, with the scores of all methods in all runs that have this very text.',
  tables: [RUNS, GENERATIONS, PREDICTIONS],
  columns: [
    from('e', RUNS, 'family'),
    from('e', RUNS, 'benchmark'),
    from('e', RUNS, 'model_id', { optional: true }),
    from('e', GENERATIONS, 'example_id'),
    from('e', GENERATIONS, 'prompt'),
    from('e', GENERATIONS, 'response'),
    { ...from('e', GENERATIONS, 'reference'), sql: 'min(e.reference)' },
    computed('halu', 'BOOLEAN', 'bool_or(e.halu)', 'Whether a run labels the response a hallucination.'),
    computed(
      'run_ids',
      'VARCHAR[]',
      'list_sort(list_distinct(flatten(list(e.run_ids))))',
      'Runs that have the response.',
    ),
    computed(
      'scores',
      'MAP(VARCHAR, DOUBLE)',
      'map(list(e.method ORDER BY e.method) FILTER (e.score IS NOT NULL), list(e.score ORDER BY e.method) FILTER (e.score IS NOT NULL))',
      "Score (score_halu) by method, a method's mean over its runs; null where nothing was scored.",
    ),
    computed('score_min', 'DOUBLE', 'min(e.score)', 'Least score of a method.'),
    computed('score_max', 'DOUBLE', 'max(e.score)', 'Greatest score of a method.'),
    computed(
      'n_predictions',
      'BIGINT',
      'sum(e.n_predictions)::BIGINT',
      'Predictions that say whether they are correct.',
    ),
    computed('n_correct', 'BIGINT', 'sum(e.n_correct)::BIGINT', 'Those of them that are.'),
  ],
  from: `FROM (
    SELECT r.family, r.benchmark, r.model_id, g.example_id, g.prompt, g.response, ${METHOD} AS method,
      min(g.reference) AS reference, bool_or(g.halu) AS halu, list(DISTINCT g.run_id) AS run_ids,
      avg(p.score_halu) AS score, count(p.correct) AS n_predictions, count(*) FILTER (p.correct) AS n_correct
    FROM ${SCORED}
    WHERE g.example_id IS NOT NULL
    GROUP BY ALL
  ) e GROUP BY e.family, e.benchmark, e.model_id, e.example_id, e.prompt, e.response`,
});
