import type { LakeReader, LakeSnapshot, QueryOptions } from '../../lake/engine/types.ts';
import { RunlakeError } from '../../lake/errors.ts';
import { GENERATIONS, PREDICTIONS, RUNS } from '../../lake/tables/tables.ts';
import { number, type QueryRow, type QuerySource, queryRows, text, textOrNull } from '../tasks/query.ts';
import { groupsSharing } from './groups.ts';

/** A run is missing, or two runs differ in family or benchmark, or have no example in common. */
export class RunsNotComparableError extends RunlakeError {
  readonly code = 'RUNS_NOT_COMPARABLE';
}

type Source = Required<QuerySource>;

/** One of the two runs. */
export interface ComparedRun {
  readonly id: string;
  readonly family: string;
  readonly method: string | null;
  readonly modelId: string | null;
  readonly benchmark: string | null;
  readonly split: string | null;
  readonly seed: bigint | null;
  readonly status: string;
}

/** What a run says of an example, as in the table `predictions`. */
export interface ComparedPrediction {
  readonly scoreHalu: number | null;
  readonly labelHalu: boolean | null;
  readonly predHalu: boolean | null;
  readonly predLabel: string | null;
  readonly trueLabel: string | null;
  readonly outcome: string | null;
  readonly correct: boolean | null;
}

/** An example that both runs predict exactly once. */
export interface Pair {
  readonly exampleId: string;
  /** The part of the run that it belongs to, named as in `metrics`: `family:…`, `filter:…` or `layer:…`. */
  readonly scope: string | null;
  /** Number of its prompt: examples of one number are samples of one prompt in either run, hence not independent. */
  readonly promptGroup: number;
  readonly a: ComparedPrediction;
  readonly b: ComparedPrediction;
}

/** Two runs example by example. */
export interface PairedRuns {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  /** By example and scope. */
  readonly pairs: readonly Pair[];
  /** Predictions of examples that only the one or the other run has. */
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** Examples of both that either predicts more than once, so that nothing says which to compare. */
  readonly repeated: number;
  /** Whether an example counts once for every scope (the filters of LM_EVAL, the layers of FV) rather than once. */
  readonly overlappingScopes: boolean;
}

export interface PairOptions extends QueryOptions {
  /** Most examples to read. */
  readonly maxExamples: number;
  /** Makes the error for more than that. */
  readonly tooMany: () => Error;
}

/** How a family's predictions are told apart, as SQL. */
interface Parts {
  /** Of `predictions`: tells apart several predictions of an example. */
  readonly key: string;
  /** Of `predictions`: the part of the run, named as in its metrics. */
  readonly scope: string;
  /** Of `generations`: the whole of what was asked. */
  readonly prompt: string;
}

const WHOLE: Parts = { key: 'NULL::VARCHAR', scope: 'NULL::VARCHAR', prompt: 'prompt' };
const PARTS: Readonly<Record<string, Parts>> = {
  CHAOSBENCH: { ...WHOLE, scope: `'family:' || task_family` },
  FV: { ...WHOLE, key: 'edit_layer', scope: `'layer:' || edit_layer` },
  LM_EVAL: {
    key: 'method',
    scope: `'filter:' || method`,
    // Where choices are scored, they are part of the question: documents with one prompt, or none, are not the same.
    prompt: 'CASE WHEN generation_params IS NOT NULL THEN prompt END',
  },
};

/** What finding and pairing two runs reads. */
export function comparedSources(
  a: string,
  b: string,
): readonly [runs: Source, predictions: Source, generations: Source] {
  const prune = [{ column: 'run_id', in: [a.toWellFormed(), b.toWellFormed()] }];
  return [
    { table: RUNS.name, prune },
    { table: PREDICTIONS.name, prune },
    { table: GENERATIONS.name, prune },
  ];
}

/** Looks two runs up. @throws RunsNotComparableError when there is no such run, or when family or benchmark differ */
export async function findComparedRuns(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  ids: readonly [a: string, b: string],
  options: QueryOptions = {},
): Promise<readonly [ComparedRun, ComparedRun]> {
  const rows = await queryRows(
    reader,
    snapshot,
    comparedSources(...ids).slice(0, 1),
    ([runs]) =>
      `SELECT run_id, family, method, model_id, benchmark, split, seed, status FROM ${runs} WHERE run_id IN ($1, $2)`,
    { ...options, params: ids.map((id) => id.toWellFormed()) },
  );
  const [a, b] = [runOf(rows, ids[0]), runOf(rows, ids[1])];
  if (a.family !== b.family) {
    throw new RunsNotComparableError(`${a.id} is a run of ${a.family}, ${b.id} one of ${b.family}`, {
      expected: 'two runs of one family',
    });
  }
  // Identities such as `0`, `1`, … name other examples in another benchmark.
  if (a.benchmark !== b.benchmark) {
    throw new RunsNotComparableError(
      `${a.id} is a run on ${a.benchmark ?? 'no benchmark'}, ${b.id} one on ${b.benchmark ?? 'no benchmark'}`,
      { expected: 'two runs on one benchmark' },
    );
  }
  return [a, b];
}

function runOf(rows: readonly QueryRow[], id: string): ComparedRun {
  const row = rows.find((candidate) => candidate['run_id'] === id);
  if (row === undefined) {
    throw new RunsNotComparableError(`there is no run ${id} in this state of the lake`, {
      expected: 'the id of a run, as `runs { nodes { id } }` gives it',
    });
  }
  const seed = row['seed'];
  return {
    id,
    family: text(row['family']),
    method: textOrNull(row['method']),
    modelId: textOrNull(row['model_id']),
    benchmark: textOrNull(row['benchmark']),
    split: textOrNull(row['split']),
    seed: typeof seed === 'bigint' ? seed : null,
    status: text(row['status']),
  };
}

/** Reads the predictions of two runs side by side, in one statement. @throws RunsNotComparableError without a common example */
export async function readPairs(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  [a, b]: readonly [ComparedRun, ComparedRun],
  { maxExamples, tooMany, ...options }: PairOptions,
): Promise<PairedRuns> {
  const rows = await queryRows(
    reader,
    snapshot,
    comparedSources(a.id, b.id).slice(1),
    ([predictions, generations]) =>
      pairStatement(predictions ?? '', generations ?? '', PARTS[a.family] ?? WHOLE, maxExamples + 1),
    { ...options, params: [a.id, b.id] },
  );
  if (rows.length > maxExamples) throw tooMany();
  const paired: QueryRow[] = [];
  let onlyInA = 0;
  let onlyInB = 0;
  let repeated = 0;
  for (const row of rows) {
    const [timesA, timesB] = [number(row['a_times']), number(row['b_times'])];
    if (Number.isNaN(timesB)) onlyInA += timesA;
    else if (Number.isNaN(timesA)) onlyInB += timesB;
    else if (timesA > 1 || timesB > 1) repeated++;
    else paired.push(row);
  }
  if (paired.length === 0) {
    throw new RunsNotComparableError(
      `${a.id} and ${b.id} have no example in common: ${onlyInA} predictions only in the first, ${onlyInB} only in the second, ${repeated} examples repeated`,
      { expected: 'predictions with the same example_id in both runs' },
    );
  }
  const groups = groupsSharing(paired.map(questionKeys));
  const pairs = paired.map((row, i) => ({
    exampleId: text(row['example_id']),
    scope: textOrNull(row['scope']),
    promptGroup: groups[i]!,
    a: predictionOf(row, 'a'),
    b: predictionOf(row, 'b'),
  }));
  const overlappingScopes = new Set(pairs.map(({ exampleId }) => exampleId)).size < pairs.length;
  return { a, b, pairs, onlyInA, onlyInB, repeated, overlappingScopes };
}

const VALUES = [
  'score_halu',
  'label_halu',
  'pred_halu',
  'pred_label',
  'true_label',
  'outcome',
  'correct',
] as const;

function pairStatement(
  predictions: string,
  generations: string,
  { key, scope, prompt }: Parts,
  limit: number,
): string {
  const values = VALUES.map((name) => `first(${name}) AS ${name}`).join(', ');
  const side = (of: 'a' | 'b') =>
    ['times', 'prompt', ...VALUES].map((name) => `${of}.${name} AS ${of}_${name}`).join(', ');
  return `WITH predicted AS (
      SELECT run_id, example_id, ${key} AS part, first(${scope}) AS scope, count(*) AS times, ${values}
      FROM ${predictions} WHERE run_id IN ($1, $2) GROUP BY ALL),
    asked AS (
      SELECT run_id, example_id, min(hash(prompt)) AS prompt
      FROM (SELECT run_id, example_id, ${prompt} AS prompt FROM ${generations} WHERE run_id IN ($1, $2))
      WHERE prompt <> '' GROUP BY ALL),
    a AS (FROM predicted LEFT JOIN asked USING (run_id, example_id) WHERE run_id = $1),
    b AS (FROM predicted LEFT JOIN asked USING (run_id, example_id) WHERE run_id = $2)
    SELECT coalesce(a.example_id, b.example_id) AS example_id, coalesce(a.scope, b.scope) AS scope, ${side('a')}, ${side('b')}
    FROM a FULL JOIN b ON a.example_id = b.example_id AND a.part IS NOT DISTINCT FROM b.part
    ORDER BY 1, 2 LIMIT ${limit}`;
}

/** What rows have in common that ask the same: 64 bits of a prompt's hash, of which two million collide once in ten million times. */
function questionKeys(row: QueryRow): string[] {
  const prompts = ['a_prompt', 'b_prompt'].flatMap((name) => {
    const hash = row[name];
    return typeof hash === 'bigint' ? [`${name} ${hash}`] : [];
  });
  return [`example ${text(row['example_id'])}`, ...prompts];
}

function predictionOf(row: QueryRow, side: 'a' | 'b'): ComparedPrediction {
  const value = (name: (typeof VALUES)[number]) => row[`${side}_${name}`];
  const boolean = (name: (typeof VALUES)[number]) => {
    const found = value(name);
    return typeof found === 'boolean' ? found : null;
  };
  const score = value('score_halu');
  return {
    scoreHalu: typeof score === 'number' ? score : null,
    labelHalu: boolean('label_halu'),
    predHalu: boolean('pred_halu'),
    predLabel: textOrNull(value('pred_label')),
    trueLabel: textOrNull(value('true_label')),
    outcome: textOrNull(value('outcome')),
    correct: boolean('correct'),
  };
}
