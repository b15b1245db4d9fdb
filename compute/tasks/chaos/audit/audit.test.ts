import { afterAll, beforeAll, expect, test } from 'vitest';
import { outcomeOf, type PredictionRecord } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import { CHAOSBENCH } from '../../../../ingest/families/chaosbench/index.ts';
import { metricsDocument, RunTallier } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { ingest } from '../../../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../../../ingest/testing.ts';
import { type TemporaryLake, temporaryLake } from '../../../../test/support/temporary-lake.ts';
import { type Audit, auditFiles, auditRuns } from './audit.ts';
import type { CheckOutcome } from './checks/index.ts';

/** Items of every run: half of them true. */
const ITEMS = 24;

/** Answer `i` of a run in which nothing is wrong. */
function answer(i: number): PredictionRecord {
  const truth = i % 2 === 0 ? 'TRUE' : 'FALSE';
  const label = i % 8 < 6 ? truth : truth === 'TRUE' ? 'FALSE' : 'TRUE';
  return {
    id: `item_${i}`,
    question: `Is system ${i} chaotic?`,
    ground_truth: truth,
    pred_text: label,
    parsed_label: label,
    outcome: outcomeOf(label),
    correct: label === truth,
    latency_s: 0.2 + i / 100,
    task_family: 'atomic',
    split: null,
    retry_pred_text: null,
    retry_outcome: null,
    meta: { parse_reason: 'final line token', parse_confidence: 0.9 },
  };
}

const EMPTY = { pred_text: '', parsed_label: null, outcome: 'INVALID', correct: null } as const;

type Change = (record: PredictionRecord, i: number) => Partial<PredictionRecord>;

interface RunSpec {
  readonly model: string;
  readonly change?: Change;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Text in place of the last line of the predictions; the metrics are those of the whole. */
  readonly lastLine?: string;
}

/** The files of a run directory. */
function runFiles(label: string, second: number, spec: RunSpec): Record<string, string> {
  const { model, change = () => ({}), manifest = {}, lastLine } = spec;
  const name = `20260220T1000${String(second).padStart(2, '0')}Z_ollama_${model}`;
  const tallier = new RunTallier();
  const lines: string[] = [];
  for (let i = 0; i < ITEMS; i++) {
    const original = answer(i);
    // Texts of different models differ in what does not count, so that no two runs are twins by accident.
    const record = { ...original, pred_text: `${label} says ${original.pred_text}`, ...change(original, i) };
    tallier.add(record);
    lines.push(JSON.stringify(record));
  }
  if (lastLine !== undefined) lines[ITEMS - 1] = lastLine;
  const metrics = metricsDocument(tallier);
  const {
    per_family: _families,
    per_split: _splits,
    ...summary
  } = { per_family: {}, per_split: {}, ...metrics };
  const document = {
    run_id: name,
    created_utc: '2026-02-20T10:10:00+00:00',
    provider: `ollama/${model}`,
    prompt_version: 'v1',
    prompt_hash: '5881f664c444e3d3',
    dataset_global_sha256: 'a'.repeat(64),
    canonical_selector: 'data/canonical_v2_files.json',
    total_items_evaluated: ITEMS,
    max_items: null,
    seed: 42,
    retries: 1,
    strict_parsing: true,
    workers: 1,
    order_mode: 'canonical',
    shuffle_seed: null,
    git_commit: null,
    python_version: '3.12.1',
    metrics_summary: summary,
    resumed_from: null,
    budget: { max_usd: null, truncate_pred_text: 0, phase: null, dry_run_cost: false },
    ...manifest,
  };
  const root = `runs/${label}/${name}`;
  return {
    [`${root}/run_manifest.json`]: JSON.stringify(document),
    [`${root}/metrics.json`]: JSON.stringify(metrics),
    [`${root}/predictions.jsonl`]: `${lines.join('\n')}\n`,
  };
}

/** What the stored label says, and a text that says the other. */
const MISUNDERSTOOD: Change = ({ parsed_label: label }, i) =>
  i === 3 ? { pred_text: label === 'TRUE' ? 'FALSE' : 'TRUE' } : {};

const SPECS: Readonly<Record<string, RunSpec>> = {
  clean: { model: 'clean' },
  misunderstood: { model: 'm1', change: MISUNDERSTOOD },
  truncated: {
    model: 'm2',
    change: MISUNDERSTOOD,
    manifest: { budget: { max_usd: null, truncate_pred_text: 5, phase: null, dry_run_cost: false } },
  },
  both_labels: { model: 'm3', change: ({ pred_text: text }) => ({ pred_text: `TRUE or FALSE?\n${text}` }) },
  leaking: {
    model: 'm4',
    change: (_, i) => ({ split: i % 2 === 0 ? 'core' : 'heldout', ...(i === 1 && { id: 'item_0' }) }),
  },
  contradictory: { model: 'm5', change: (_, i) => (i < 2 ? { question: 'Is it?' } : {}) },
  outage: { model: 'm6', change: (_, i) => (i >= 5 && i < 17 ? EMPTY : {}) },
  hiccups: { model: 'm7', change: (_, i) => (i % 12 === 0 ? EMPTY : {}) },
  too_fast: { model: 'm8', change: (_, i) => ({ latency_s: i === 0 ? 0 : 1e-5 }) },
  too_slow: { model: 'm9', change: (_, i) => ({ latency_s: i === 0 ? 600 : 0.2 }) },
  copied: { model: 'm10', change: ({ pred_text: text }) => ({ pred_text: `clean says ${text}` }) },
  damaged: { model: 'm11', lastLine: '{"id": ' },
  short: { model: 'm12', manifest: { total_items_evaluated: ITEMS + 6 } },
  comma: { model: 'a,"b"|c' },
  guessing: {
    model: 'm13',
    change: ({ ground_truth: truth }) => ({
      pred_text: 'TRUE',
      parsed_label: 'TRUE',
      outcome: 'VALID_TRUE',
      correct: truth === 'TRUE',
    }),
  },
};

let lake: TemporaryLake;
let audit: Audit;

beforeAll(async () => {
  const files = Object.entries(SPECS).map(([label, spec], i) => runFiles(label, i, spec));
  const tree = temporaryTree(Object.assign({}, ...files));
  lake = await temporaryLake();
  const { runs } = await ingest(lake.writer, [tree.path], { families: [CHAOSBENCH], lenient: true });
  tree.remove();
  expect(runs.filter(({ status }) => status !== 'ingested')).toEqual([]);
  audit = await auditRuns(lake.lake, await lake.lake.snapshot());
});
afterAll(() => lake?.remove());

function check(id: string): CheckOutcome {
  const found = audit.checks.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
}

function found(id: string): string[] {
  return check(id).findings.map(
    ({ runId, level, detail }) => `${runId.split('/').at(-2)} ${level}: ${detail}`,
  );
}

test('a check finds what is wrong, in the runs in which it is wrong, and nowhere else', () => {
  expect(found('parsing-ambiguity')).toEqual([
    'misunderstood problem: 1 of 24 stored texts with another outcome when parsed again (item_3: VALID_FALSE, again VALID_TRUE)',
    'truncated note: 1 of 24 stored texts with another outcome when parsed again (item_3: VALID_FALSE, again VALID_TRUE); texts were cut to 5 characters after parsing',
    'both_labels note: 24 valid answers with both labels in the text',
  ]);
  expect(found('leakage')).toEqual(['leaking problem: 1 item in more than one of 2 splits']);
  expect(check('leakage')).toMatchObject({ result: 'FAILED', runsExamined: 1, runsNotExamined: 14 });
  expect(found('duplicate-ids')).toEqual(['leaking problem: 1 row with the id of an earlier one']);
  expect(found('repeated-questions')).toEqual([
    'contradictory problem: 2 rows whose question has another truth elsewhere in the run',
    'contradictory note: 2 rows whose question another id asks too',
  ]);
  expect(found('outage')).toEqual([
    'outage problem: 12 of 24 answers empty (50.00 %), at most 12 in a row',
    'hiccups note: 2 of 24 answers empty (8.33 %), at most 1 in a row',
  ]);
  expect(found('throughput')).toEqual([
    'too_fast note: 1 row without a latency above 0',
    'too_fast problem: 0.010 ms an answer on average: no model was asked',
    'too_slow note: the slowest answer took 600.0 s, the median 0.200 s',
  ]);
  expect(found('identical-answers').map((line) => line.replace(/\S*\/(\w+)\/\S+$/, '$1'))).toEqual([
    'clean note: the same text for every item as copied',
    'copied note: the same text for every item as clean',
  ]);
  expect(found('label-bias').map((line) => line.split(':')[0])).toEqual(['guessing problem']);
  expect(found('chance-level').map((line) => line.split(':')[0])).toContain('guessing note');
});

test('rows that are missing or belong to other items', () => {
  expect(found('misaligned-rows')).toEqual([
    'leaking problem: 1 item with another question or truth than in other runs over this dataset',
    'contradictory problem: 2 items with another question or truth than in other runs over this dataset',
    'damaged problem: 23 rows of 24 planned items',
    'short problem: 24 rows of 30 planned items',
  ]);
});

test('numbers that the answers in the lake do not give', () => {
  const rates = 'accuracy_valid 0.7500, not 0.7826; overall balanced_accuracy 0.7500, not 0.7841';
  expect(found('metric-errors')).toEqual([
    `damaged problem: overall ${rates}; overall effective_accuracy 0.7500, not 0.7826; and 6 more`,
  ]);
  expect(found('ingest-issues').filter((line) => line.startsWith('damaged')).length).toBeGreaterThan(0);
});

test('what the lake does not tell is not examined, and passes for nothing', () => {
  for (const id of ['dataset-fingerprint', 'subset-confusion']) {
    expect(check(id)).toMatchObject({ result: 'NOT_EXAMINED', runsExamined: 0, findings: [] });
  }
  expect(audit.baselines).toEqual([]);
});

test('names with commas, quotes and bars stay in their cells', async () => {
  const files = auditFiles(audit);
  expect(files.get('RUNS_AUDIT.md')).toContain('| a,"b"\\|c |');
  expect(files.get('baselines_table.csv')?.split('\n')).toHaveLength(2);
});

test('an empty lake gives a report that says so', async () => {
  const empty = await temporaryLake();
  try {
    const nothing = await auditRuns(empty.lake, await empty.lake.snapshot());
    expect(new Set(nothing.checks.map(({ result }) => result))).toEqual(new Set(['NOT_EXAMINED']));
    expect(auditFiles(nothing).get('RUNS_AUDIT.md')).toContain('- 0 runs audited: 0 OFFICIAL, 0 EXPLORATORY');
  } finally {
    await empty.remove();
  }
});
