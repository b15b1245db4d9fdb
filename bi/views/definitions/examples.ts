import { GENERATIONS, PREDICTIONS, RUNS } from '../../../lake/tables/tables.ts';
import { computed, from, type ViewColumn, view } from '../view.ts';

const OF_GENERATION = [
  'prompt',
  'response',
  'reference',
  'halu',
  'abstained',
  'label_source',
  'activation_key',
] as const;
const OF_PREDICTION = [
  'task_family',
  'score_halu',
  'label_halu',
  'pred_halu',
  'threshold',
  'pred_label',
  'true_label',
  'outcome',
  'correct',
  'latency_s',
  'edit_layer',
] as const;

const list = (alias: string, names: readonly string[]) => names.map((name) => `${alias}.${name}`).join(', ');
/** Only ChaosBench keeps examples that a run repeats; there a generation and its prediction come from one line. */
const occurrence = (alias: string) => `CASE WHEN r.family = 'CHAOSBENCH' THEN ${alias}.source_line END`;

/** Generations `g` of runs `r` with their predictions `p`. */
const SCORED = `generations g JOIN runs r ON r.run_id = g.run_id LEFT JOIN (
    SELECT p.*, ${occurrence('p')} AS occurrence FROM predictions p JOIN runs r ON r.run_id = p.run_id
  ) p ON p.run_id = g.run_id AND p.example_id = g.example_id AND p.occurrence IS NOT DISTINCT FROM ${occurrence('g')}`;

const METHOD = 'coalesce(p.method, r.method) AS method';

const OF_RUN = ['run_id', 'family', 'model_id', 'benchmark', 'seed', 'run_date'] as const;

const run = (name: string): ViewColumn => from('e', RUNS, name);
const generation = (name: string): ViewColumn => from('e', GENERATIONS, name, { optional: true });
const prediction = (name: string): ViewColumn => from('e', PREDICTIONS, name, { optional: true });

export const EXAMPLE_PREDICTIONS = view({
  name: 'example_predictions',
  description:
    'One row a prediction: the run, the example with prompt, response and label, and what was predicted. Generations without a prediction are there with nulls for it, and predictions whose texts no artifact has with nulls for the texts.',
  tables: [RUNS, GENERATIONS, PREDICTIONS],
  columns: [
    ...OF_RUN.map(run),
    computed('method', 'VARCHAR', 'e.method', 'Method that made the prediction (LM_EVAL: the filter).'),
    from('e', GENERATIONS, 'example_id'),
    computed('split', 'VARCHAR', 'e.split', 'Split of the example, else the one that the run reports on.'),
    ...OF_GENERATION.map(generation),
    ...OF_PREDICTION.map(prediction),
  ],
  from: `FROM (
    SELECT ${list('r', OF_RUN)}, ${METHOD}, g.example_id, coalesce(p.split, g.split, r.split) AS split,
      ${list('g', OF_GENERATION)}, ${list('p', OF_PREDICTION)}
    FROM ${SCORED}
    UNION ALL BY NAME
    SELECT ${list('r', OF_RUN)}, ${METHOD}, p.example_id, coalesce(p.split, r.split) AS split, ${list('p', OF_PREDICTION)}
    FROM predictions p JOIN runs r ON r.run_id = p.run_id
      LEFT JOIN generations g ON g.run_id = p.run_id AND g.example_id = p.example_id
    WHERE g.run_id IS NULL
  ) e`,
});

export const EXAMPLES = view({
  name: 'examples',
  description:
    'One row a response of a model to an example of a benchmark, with the scores of all methods in all runs that have this very text.',
  tables: [RUNS, GENERATIONS, PREDICTIONS],
  columns: [
    from('e', RUNS, 'family'),
    from('e', RUNS, 'benchmark'),
    from('e', RUNS, 'model_id'),
    from('e', GENERATIONS, 'example_id'),
    from('g', GENERATIONS, 'prompt'),
    from('g', GENERATIONS, 'response'),
    from('g', GENERATIONS, 'reference'),
    computed('halu', 'BOOLEAN', 'e.halu', 'Whether a run labels the response a hallucination.'),
    computed(
      'scores',
      'MAP(VARCHAR, DOUBLE)',
      'e.scores',
      "Score (score_halu) by method, a method's mean over its runs; null where nothing was scored.",
    ),
    computed('score_min', 'DOUBLE', 'e.score_min', 'Least score of a method.'),
    computed('score_max', 'DOUBLE', 'e.score_max', 'Greatest score of a method.'),
    computed('n_judged', 'BIGINT', 'e.n_judged', 'Predictions of it that say whether they are correct.'),
    computed('n_correct', 'BIGINT', 'e.n_correct', 'Those of them that are.'),
    from('g', GENERATIONS, 'run_id', { description: 'One of the runs that have the response.' }),
  ],
  from: `FROM (
    SELECT family, benchmark, model_id, example_id, min(source) AS source, bool_or(halu) AS halu,
      map(list(method ORDER BY method) FILTER (score IS NOT NULL AND method IS NOT NULL), list(score ORDER BY method) FILTER (score IS NOT NULL AND method IS NOT NULL)) AS scores,
      min(score) AS score_min, max(score) AS score_max,
      sum(n_judged)::BIGINT AS n_judged, sum(n_correct)::BIGINT AS n_correct
    FROM (
      SELECT r.family, r.benchmark, r.model_id, g.example_id, hash(g.prompt, g.response) AS text,
        ${METHOD}, avg(p.score_halu) AS score, bool_or(g.halu) AS halu,
        count(p.correct) AS n_judged, count(*) FILTER (p.correct) AS n_correct,
        min({'run_id': g.run_id, 'line': g.source_line}) AS source
      FROM ${SCORED}
      GROUP BY ALL
    ) GROUP BY family, benchmark, model_id, example_id, text
  ) e JOIN generations g ON g.run_id = e.source.run_id AND g.example_id = e.example_id
    AND g.source_line IS NOT DISTINCT FROM e.source.line`,
});
