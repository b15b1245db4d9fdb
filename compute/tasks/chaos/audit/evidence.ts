import { UNKNOWN_GROUP } from '../../../../ingest/contracts/chaosbench/metrics.ts';
import type { Outcome } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import { parseAnswer } from '../../../../ingest/families/chaosbench/answer/parse-answer.ts';
import {
  addAnswer,
  emptyTally,
  type InvalidCategory,
  invalidCategory,
  type Tally,
} from '../../../../ingest/families/chaosbench/metrics/index.ts';
import type { LakeReader, LakeSnapshot, QueryOptions, SqlValue } from '../../../../lake/engine/types.ts';
import { GENERATIONS, PREDICTIONS } from '../../../../lake/tables/tables.ts';
import { number, type QueryRow, queryRows, text, textList, textOrNull } from '../../query.ts';
import type { AuditedRun } from './load.ts';
import type { ParsingEvidence, RowEvidence } from './model.ts';
import { metricDifferences, type ReportedMetrics } from './reported.ts';

/** Runs with fewer answers than this can agree by chance. */
const MIN_TWIN_ROWS = 20;

/** Ids of wrongly understood answers that a finding quotes. */
const MAX_EXAMPLES = 3;

/**
 * The answers of runs: each prediction with the question and the text it was made of. The condition on the run stands at
 * both tables, where an equality lets the engine skip what other runs have in the same file.
 */
function answersOf(predictions: string, generations: string, condition: string): string {
  return `answers AS (
    SELECT p.run_id, p.source_line, p.example_id, p.outcome, p.pred_label, p.true_label, p.correct, p.latency_s,
      p.task_family, p.split, p.extra, g.prompt AS question, g.response
    FROM (SELECT * FROM ${predictions} WHERE ${condition}) p
    LEFT JOIN (SELECT * FROM ${generations} WHERE ${condition}) g
      ON g.run_id = p.run_id AND g.source_line = p.source_line)`;
}

/** Asks one statement over the answers of runs. */
type Ask = (select: string) => Promise<QueryRow[]>;

/** What the rows of the runs say, by run; a run without rows has no entry. One pass over the answers a question. */
export async function loadEvidence(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  runs: readonly AuditedRun[],
  reported: ReadonlyMap<string, ReportedMetrics>,
  options: QueryOptions,
): Promise<Map<string, RowEvidence>> {
  const runIds = runs.map(({ runId }) => runId);
  const asking =
    (ids: readonly string[], condition: string, param: SqlValue): Ask =>
    (select) => {
      const prune = [{ column: 'run_id', in: ids }];
      return queryRows(
        reader,
        snapshot,
        [PREDICTIONS, GENERATIONS].map(({ name: table }) => ({ table, prune })),
        ([predictions = '', generations = '']) =>
          `WITH ${answersOf(predictions, generations, condition)} ${select}`,
        { ...options, params: [param] },
      );
    };
  const askAbout = (runId: string) => asking([runId], 'run_id = $1', runId);
  const ask = asking(runIds, 'list_contains($1, run_id)', runIds);
  const tallies = talliesOf(await ask(CELLS));
  const totals = byRun(await ask(TOTALS));
  const streaks = byRun(await ask(EMPTY_STREAKS));
  const questions = byRun(await ask(QUESTIONS));
  const splits = byRun(await ask(SPLITS));
  const conflicts = conflictsOf(await ask(VERSIONS_OF_ITEMS), runs);
  const twins = twinsOf(await ask(FINGERPRINTS), runs);
  const severalModels =
    new Set(runs.flatMap(({ runId, model }) => (totals.has(runId) ? [model] : []))).size > 1;
  const evidence = new Map<string, RowEvidence>();
  for (const run of runs) {
    const { runId } = run;
    const counts = tallies.get(runId);
    const total = totals.get(runId);
    if (counts === undefined || total === undefined) continue;
    // One run at a time: its texts are all different in the worst case.
    const texts = await askAbout(runId)(TEXTS);
    const count = (rows: ReadonlyMap<string, QueryRow>, column: string) => {
      const value = number(rows.get(runId)?.[column]);
      return Number.isNaN(value) ? 0 : value;
    };
    evidence.set(runId, {
      rows: count(totals, 'n'),
      ...counts,
      duplicateIds: count(totals, 'n') - count(totals, 'ids'),
      wrongCorrect: count(totals, 'wrong_correct'),
      otherTruth: count(totals, 'other_truth'),
      splitRows: count(totals, 'split_rows'),
      splits: count(totals, 'splits'),
      itemsInSeveralSplits: count(splits, 'n'),
      repeatedQuestions: count(questions, 'repeated'),
      contradictoryQuestions: count(questions, 'contradictory'),
      conflictingItems: conflicts.get(runId) ?? 0,
      emptyAnswers: count(totals, 'empty'),
      longestEmptyStreak: count(streaks, 'longest'),
      retried: count(totals, 'retried'),
      rescued: count(totals, 'rescued'),
      latency: {
        timed: count(totals, 'timed'),
        sum: count(totals, 'latency_sum'),
        median: count(totals, 'latency_median'),
        max: count(totals, 'latency_max'),
      },
      parsing: parsingOf(texts, run.manifest?.strict_parsing ?? true),
      differences: metricDifferences(reported.get(runId), counts),
      twins: severalModels ? (twins.get(runId) ?? []) : undefined,
    });
  }
  return evidence;
}

function byRun(rows: readonly QueryRow[]): Map<string, QueryRow> {
  return new Map(rows.map((row) => [text(row['run_id']), row]));
}

const CELLS = `SELECT run_id, task_family, outcome, true_label, correct, count(*) AS n FROM answers
  GROUP BY ALL ORDER BY run_id, task_family`;

interface Tallies {
  readonly tally: Tally;
  readonly families: Map<string, Tally>;
}

function talliesOf(rows: readonly QueryRow[]): Map<string, Tallies> {
  const runs = new Map<string, Tallies>();
  for (const row of rows) {
    const runId = text(row['run_id']);
    const run = runs.get(runId) ?? { tally: emptyTally(), families: new Map<string, Tally>() };
    runs.set(runId, run);
    const name = textOrNull(row['task_family']) || UNKNOWN_GROUP;
    const family = run.families.get(name) ?? emptyTally();
    run.families.set(name, family);
    const one = emptyTally();
    const correct = row['correct'];
    addAnswer(one, {
      ground_truth: text(row['true_label']),
      outcome: outcome(row['outcome']),
      correct: typeof correct === 'boolean' ? correct : null,
    });
    for (const tally of [run.tally, family]) addTimes(tally, one, number(row['n']));
  }
  for (const run of runs.values()) {
    const sorted = [...run.families].sort(([a], [b]) => (a < b ? -1 : 1));
    run.families.clear();
    for (const [name, tally] of sorted) run.families.set(name, tally);
  }
  return runs;
}

function addTimes(tally: Tally, one: Tally, times: number): void {
  for (const key of Object.keys(one) as (keyof Tally)[]) tally[key] += one[key] * times;
}

function outcome(value: QueryRow[string] | undefined): Outcome {
  return value === 'VALID_TRUE' || value === 'VALID_FALSE' ? value : 'INVALID';
}

const TOTALS = `SELECT run_id, count(*) AS n, count(DISTINCT example_id) AS ids,
    count(*) FILTER (correct IS DISTINCT FROM (CASE WHEN outcome = 'INVALID' THEN NULL ELSE pred_label = true_label END))
      AS wrong_correct,
    count(*) FILTER (true_label IS NULL OR true_label NOT IN ('TRUE', 'FALSE')) AS other_truth,
    count(split) AS split_rows, count(DISTINCT split) AS splits,
    count(*) FILTER (response = '') AS empty,
    count(*) FILTER (extra->>'$.retry_outcome' IS NOT NULL) AS retried,
    count(*) FILTER (extra->>'$.retry_outcome' LIKE 'VALID%') AS rescued,
    count(*) FILTER (latency_s > 0) AS timed, sum(latency_s) AS latency_sum, median(latency_s) AS latency_median,
    max(latency_s) AS latency_max
  FROM answers GROUP BY run_id`;

const EMPTY_STREAKS = `SELECT run_id, max(n) AS longest FROM (
    SELECT run_id, streak, count(*) AS n FROM (
      SELECT run_id, response, row_number() OVER (PARTITION BY run_id ORDER BY source_line)
        - row_number() OVER (PARTITION BY run_id, response = '' ORDER BY source_line) AS streak
      FROM answers)
    WHERE response = '' GROUP BY run_id, streak)
  GROUP BY run_id`;

const QUESTIONS = `SELECT run_id, sum(n) FILTER (ids > 1) AS repeated, sum(n) FILTER (truths > 1) AS contradictory
  FROM (SELECT run_id, question, count(*) AS n, count(DISTINCT example_id) AS ids, count(DISTINCT true_label) AS truths
    FROM answers WHERE question IS NOT NULL GROUP BY run_id, question)
  GROUP BY run_id`;

const SPLITS = `SELECT run_id, count(*) AS n FROM (
    SELECT run_id, example_id FROM answers WHERE split IS NOT NULL
    GROUP BY run_id, example_id HAVING count(DISTINCT split) > 1)
  GROUP BY run_id`;

/** Items of which different runs have different questions or truths, with the runs by version. */
const VERSIONS_OF_ITEMS = `SELECT example_id, hash(question) AS question, true_label, list(DISTINCT run_id) AS runs
  FROM answers WHERE example_id IN (
    SELECT example_id FROM answers GROUP BY example_id
    HAVING count(DISTINCT question) > 1 OR count(DISTINCT true_label) > 1)
  GROUP BY ALL`;

/**
 * How many items of each run are other ones than in most runs that store the same dataset fingerprint. Where as many
 * runs have the one as the other nothing tells which is right, and all of them are counted.
 */
function conflictsOf(rows: readonly QueryRow[], runs: readonly AuditedRun[]): Map<string, number> {
  const datasets = new Map(runs.map(({ runId, manifest }) => [runId, manifest?.dataset_global_sha256]));
  /** The runs of each version of an item, by item and dataset. */
  const items = new Map<string, string[][]>();
  for (const row of rows) {
    const version = new Map<string, string[]>();
    for (const runId of textList(row['runs'])) {
      const dataset = datasets.get(runId);
      if (dataset === undefined) continue;
      const item = `${dataset} ${text(row['example_id'])}`;
      version.set(item, [...(version.get(item) ?? []), runId]);
    }
    for (const [item, ids] of version) items.set(item, [...(items.get(item) ?? []), ids]);
  }
  const conflicts = new Map<string, number>();
  for (const versions of items.values()) {
    const most = Math.max(...versions.map(({ length }) => length));
    const undecided = versions.filter(({ length }) => length === most).length > 1;
    for (const runId of versions.filter(({ length }) => length < most || undecided).flat())
      conflicts.set(runId, (conflicts.get(runId) ?? 0) + 1);
  }
  return conflicts;
}

/**
 * Equal for runs with the same texts for the same items, whatever their order. Item and text are hashed as one value:
 * DuckDB's hash of several values is a XOR of theirs, in which items and texts of different rows could be swapped.
 */
const FINGERPRINTS = `SELECT run_id, count(*) AS n, sum(hash(example_id || chr(31) || response)) AS texts
  FROM answers GROUP BY run_id HAVING count(DISTINCT response) > 1`;

function twinsOf(rows: readonly QueryRow[], runs: readonly AuditedRun[]): Map<string, string[]> {
  const models = new Map(runs.map(({ runId, model }) => [runId, model]));
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    const n = number(row['n']);
    if (n < MIN_TWIN_ROWS) continue;
    const key = `${n} ${row['texts']}`;
    groups.set(key, [...(groups.get(key) ?? []), text(row['run_id'])]);
  }
  const twins = new Map<string, string[]>();
  for (const group of groups.values()) {
    for (const runId of group) {
      const others = group.filter((other) => models.get(other) !== models.get(runId));
      if (others.length > 0) twins.set(runId, others.sort());
    }
  }
  return twins;
}

const TEXTS = `SELECT response, outcome, count(*) AS n, min(example_id) AS example_id FROM answers
  WHERE response IS NOT NULL GROUP BY response, outcome ORDER BY example_id`;

/** Whether a text has both labels as words. */
function namesBothLabels(response: string): boolean {
  return /\btrue\b/i.test(response) && /\bfalse\b/i.test(response);
}

/** Parses every stored text again, each distinct one once. */
function parsingOf(rows: readonly QueryRow[], strict: boolean): ParsingEvidence {
  const invalid: Record<InvalidCategory, number> = {
    empty_response: 0,
    refusal: 0,
    hedging_or_multi_answer: 0,
    formatting_failure: 0,
  };
  const examples: string[] = [];
  let [compared, disagreeing, bothLabels] = [0, 0, 0];
  for (const row of rows) {
    const response = text(row['response']);
    const stored = outcome(row['outcome']);
    const n = number(row['n']);
    compared += n;
    if (stored === 'INVALID') invalid[invalidCategory(response)] += n;
    else if (namesBothLabels(response)) bothLabels += n;
    const again = parseAnswer(response, strict ? 'strict' : 'lenient').outcome;
    if (again === stored) continue;
    disagreeing += n;
    if (examples.length < MAX_EXAMPLES)
      examples.push(`${text(row['example_id'])}: ${stored}, again ${again}`);
  }
  return { compared, disagreeing, examples, bothLabels, invalid };
}
