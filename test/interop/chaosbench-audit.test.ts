import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Audit, auditFiles, auditRuns } from '../../compute/tasks/chaos/audit/audit.ts';
import { createServer } from '../../graphql/server.ts';
import { CHAOSBENCH } from '../../ingest/families/chaosbench/index.ts';
import { readCsv } from '../../ingest/formats/csv/csv.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures/chaosbench`;
const original = `${fixtures}/mini_project/artifacts`;

const json = z.record(z.string(), z.json());
const summarySchema = z.looseObject({ runs: z.array(json) });
const expectedSchema = z.object({
  runs: z.record(
    z.string(),
    z.looseObject({
      predictions: z
        .looseObject({
          rows: z.number(),
          valid: z.number(),
          correct: z.number(),
          accuracy_valid: z.number(),
          effective_accuracy: z.number(),
          duplicate_ids: z.number(),
          retried: z.number(),
          retry_rescued: z.number(),
          invalid_categories: z.record(z.string(), z.number()),
          confusion: z.record(z.string(), z.union([z.number(), z.string()])),
          per_family: z.record(z.string(), json),
        })
        .optional(),
      policy_verdict: z.string().optional(),
      failed_criteria: z.array(z.string()).optional(),
    }),
  ),
});

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

async function csvRecords(text: string): Promise<Record<string, string>[]> {
  const { header, batches } = await readCsv([Buffer.from(text)]);
  const records: Record<string, string>[] = [];
  for await (const batch of batches) {
    for (const { fields } of batch)
      records.push(Object.fromEntries(header.map((name, i) => [name, fields[i] ?? ''])));
  }
  return records;
}

/** Numbers as numbers, so that `0.8` and `0.8000` are the same. */
function numeric(record: Readonly<Record<string, string>>): Record<string, string | number> {
  const value = (text: string) => (text !== '' && Number.isFinite(Number(text)) ? Number(text) : text);
  return Object.fromEntries(Object.entries(record).map(([key, text]) => [key, value(text)]));
}

describe.skipIf(sharedDir === undefined)('audit of the ChaosBench fixtures', () => {
  let lake: TemporaryLake;
  let audit: Audit;
  let files: ReadonlyMap<string, string>;

  beforeAll(async () => {
    lake = await temporaryLake();
    const sources = [`${fixtures}/mini_project`, `${fixtures}/real`];
    await ingest(lake.writer, sources, { families: [CHAOSBENCH] });
    audit = await auditRuns(lake.lake, await lake.lake.snapshot());
    files = auditFiles(audit);
  });
  afterAll(() => lake?.remove());

  const summary = () => summarySchema.parse(JSON.parse(files.get('summary.json') ?? ''));
  const run = (label: string) => audit.runs.find(({ runId }) => runId.split('/').at(-2) === label);
  const concerned = (id: string) =>
    audit.checks
      .find((check) => check.id === id)
      ?.findings.map(({ runId, level }) => `${level} ${runId.split('/').slice(2).join('/')}`)
      .sort();

  test('scores are those of the reference', () => {
    const expected = expectedSchema.parse(JSON.parse(read(`${fixtures}/expected.json`))).runs;
    let compared = 0;
    for (const [label, { predictions, policy_verdict: verdict, failed_criteria: failed }] of Object.entries(
      expected,
    )) {
      const found = run(label);
      if (predictions === undefined || verdict === undefined || found?.evidence === undefined) continue;
      compared++;
      expect(found.verdict, label).toBe(verdict);
      expect(found.failed, label).toEqual(failed);
      const { scores, confusion, evidence, families } = found;
      expect(scores).toMatchObject({
        total: predictions.rows,
        valid: predictions.valid,
        correct: predictions.correct,
      });
      expect(scores?.accuracy_valid).toBeCloseTo(predictions.accuracy_valid, 12);
      expect(scores?.effective_accuracy).toBeCloseTo(predictions.effective_accuracy, 12);
      expect(evidence).toMatchObject({
        rows: predictions.rows,
        duplicateIds: predictions.duplicate_ids,
        retried: predictions.retried,
        rescued: predictions.retry_rescued,
      });
      expect(evidence.parsing).toMatchObject({ compared: predictions.rows, disagreeing: 0 });
      expect(evidence.parsing.invalid).toMatchObject(predictions.invalid_categories);
      for (const [key, value] of Object.entries(predictions.confusion)) {
        const computed = confusion?.[key as keyof typeof confusion];
        if (typeof value === 'number') expect(computed, `${label} ${key}`).toBeCloseTo(value, 12);
        else expect(computed, `${label} ${key}`).toBe(value);
      }
      expect(families.map(({ family }) => family)).toEqual(Object.keys(predictions.per_family).sort());
      for (const { family, total, correct, confusion: matrix } of families) {
        const reference = predictions.per_family[family];
        expect({ total, correct, verdict: matrix?.bias_verdict }).toEqual({
          total: reference?.['total'],
          correct: reference?.['correct'],
          verdict: reference?.['bias_verdict'],
        });
        expect(matrix?.mcc).toBeCloseTo(Number(reference?.['mcc']), 12);
      }
    }
    expect(compared).toBe(13);
  });

  test('summary.json has what the original audit has, where that is right', () => {
    const theirs = summarySchema.parse(JSON.parse(read(`${original}/runs_audit/summary.json`))).runs;
    const ours = summary().runs;
    expect(theirs).toHaveLength(13);
    for (const reference of theirs) {
      const id = String(reference['run_id']);
      const found = ours.find(
        (candidate) => candidate['run_id'] === id && candidate['status'] === 'completed',
      );
      // Known defects: items planned in place of evaluated ones, subsets that count as full, texts of its own.
      const {
        total_items: total,
        is_full_run: _full,
        errors: _errors,
        warnings: _warnings,
        ...rest
      } = reference;
      expect(found, id).toMatchObject(rest);
      expect(found?.['planned_items'], id).toBe(total);
    }
    expect(ours.find(({ run_id: id }) => String(id).includes('202745'))).toMatchObject({
      total_items: 31,
      planned_items: 32,
      is_full_run: false,
    });
  });

  test('the paper tables hold the official runs of real models, with the numbers of the original', async () => {
    const theirs = await csvRecords(read(`${original}/paper_assets/baselines_table.csv`));
    const ours = await csvRecords(files.get('baselines_table.csv') ?? '');
    const official = ours.filter(({ model }) => model?.startsWith('synth-'));
    expect(official.map(({ run_id: id }) => id?.slice(11, 15))).toEqual([
      '2744',
      '2728',
      '2743',
      '2745',
      '2734',
      '2756',
      '2730',
    ]);
    for (const row of official) {
      const reference = theirs.find(({ run_id: id }) => id === row['run_id']);
      const { n_total: _total, is_full_run: full, ...rest } = numeric(row);
      expect(numeric(reference ?? {})).toMatchObject(rest);
      expect(full).toBe(Number(row['n_total']) === 1255 ? 'yes' : 'no');
    }
    const theirFamilies = await csvRecords(read(`${original}/paper_assets/baselines_by_family.csv`));
    const ourFamilies = await csvRecords(files.get('baselines_by_family.csv') ?? '');
    const officialIds = new Set(official.map(({ run_id: id }) => id));
    const wanted = theirFamilies.filter(({ run_id: id }) => officialIds.has(id));
    for (const reference of wanted) {
      const found = ourFamilies.filter(
        ({ run_id: id, family }) => id === reference['run_id'] && family === reference['family'],
      );
      expect(found.map(numeric)).toEqual([numeric(reference)]);
    }
    expect(files.get('baselines_table.md')?.split('\n')).toHaveLength(ours.length + 3);
  });

  test('a run that was published without its answers shows what it reports', () => {
    const published = summary().runs.filter(
      ({ provider, confusion }) => provider === 'ollama' && JSON.stringify(confusion) === '{}',
    );
    expect(published.map(({ run_id: id }) => id)).toEqual([
      '20260219T193151Z_ollama_qwen2.5:7b',
      '20260220T104105Z_ollama_llama3.1:8b',
      '20260220T145645Z_ollama_gemma2:9b',
      '20260220T173411Z_ollama_qwen2.5:32b',
    ]);
    const history = summarySchema.parse(
      JSON.parse(read(`${fixtures}/real/history_b4dd715/summary.json`)),
    ).runs;
    for (const reference of history) {
      const found = published.find((candidate) => candidate['run_id'] === reference['run_id']);
      if (found === undefined) continue;
      for (const key of [
        'total_items',
        'valid_count',
        'accuracy_valid',
        'balanced_accuracy',
        'mcc',
        'coverage',
      ]) {
        expect(found[key], key).toBe(reference[key]);
      }
      // Stored by the formula without line counts: not official by the letter, whatever the original's report says.
      expect(found).toMatchObject({
        verdict: 'EXPLORATORY',
        sha_matches_run_method: true,
        sha_matches_freeze_method: false,
        excluded_from_paper_tables: 'EXPLORATORY: dataset_global_sha256',
      });
    }
  });

  test('every line of the checklist is what was found in these runs', () => {
    expect(concerned('dataset-fingerprint')).toEqual([
      'note 20260219T193151Z_ollama_qwen2.5:7b',
      'note llama31_8b_full/20260220T104105Z_ollama_llama3.1:8b',
      'note llama31_8b_smoke/20260220T103222Z_ollama_llama3.1:8b',
      'problem sha_unavailable/20261120T202754Z_ollama_synth-good:8b',
      'problem wrong_sha/20261120T202752Z_ollama_synth-good:8b',
    ]);
    expect(concerned('prompt')).toEqual(['problem stale_prompt/20261120T202750Z_ollama_synth-good:8b']);
    expect(concerned('duplicate-ids')).toEqual(['problem sub_odd/20261120T202745Z_ollama_synth-good:8b']);
    expect(concerned('misaligned-rows')).toEqual([
      'problem sub_odd/20261120T202745Z_ollama_synth-good:8b',
      'problem sub_odd/20261120T202745Z_ollama_synth-good:8b',
    ]);
    expect(concerned('unknown-truth')).toEqual(['problem sub_odd/20261120T202745Z_ollama_synth-good:8b']);
    expect(concerned('outage')).toContain('problem allinvalid/20261120T202748Z_ollama_synth-empty:27b');
    expect(concerned('outage')).toContain('note flaky/20261120T202747Z_ollama_synth-flaky:72b');
    expect(concerned('interrupted')).toHaveLength(3);
    expect(concerned('label-bias')).toEqual([
      'note full_mock/20261120T202742Z_mock',
      'note qwen32b_5k_armored/20260220T145838Z_ollama_qwen2.5:32b',
      'problem full_falsey/20261120T202730Z_ollama_synth-falsey:7b',
      'problem llama31_8b_smoke/20260220T103222Z_ollama_llama3.1:8b',
    ]);
    expect(concerned('mock-provider')).toEqual(['note full_mock/20261120T202742Z_mock']);
    expect(concerned('metric-errors')).toEqual([]);
    expect(concerned('parsing-ambiguity')).toEqual([]);
    for (const { runsExamined, runsNotExamined } of audit.checks) {
      expect(runsExamined + runsNotExamined).toBe(audit.runs.length);
    }
  });

  test('the report names runs apart that have the same id, and makes no claim of its own', () => {
    const report = files.get('RUNS_AUDIT.md') ?? '';
    expect(report).toContain('`main/chaosbench/interrupted/20261120T202756Z_ollama_synth-messy:7b`');
    expect(report).toContain('`main/chaosbench/resumed/20261120T202756Z_ollama_synth-messy:7b`');
    expect(report).not.toMatch(/tumor|likely all|These runs are OFFICIAL|Hash fix/);
  });

  test('the same state of the lake gives the same bytes; a part of the runs can be audited', async () => {
    const snapshot = await lake.lake.snapshot({ snapshot: audit.snapshot });
    expect([...auditFiles(await auditRuns(lake.lake, snapshot))]).toEqual([...files]);
    const [first] = audit.runs;
    const part = await auditRuns(lake.lake, snapshot, { runIds: [first?.runId ?? ''] });
    expect(part.runs.map(({ runId }) => runId)).toEqual([first?.runId]);
    await expect(auditRuns(lake.lake, snapshot, { runIds: ['main/chaosbench/none'] })).rejects.toThrow(
      'no ChaosBench run of the lake is called main/chaosbench/none',
    );
  });

  describe('over GraphQL', () => {
    let app: FastifyInstance;
    beforeAll(async () => {
      app = await createServer({ reader: lake.lake });
    });
    afterAll(() => app?.close());

    test('chaosAudit answers for the runs that a filter leaves', async () => {
      const query = `{ chaosAudit(filter: {verdict: {eq: "OFFICIAL"}, modelId: {contains: "falsey"}}) {
        snapshot baselines
        runs { runId model verdict hasAnswers balancedAccuracy confusion { tp fn biasVerdict } families { family wilsonLow } }
        checks { id result count findings { runId level detail } }
        documents { name } } }`;
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
      const { chaosAudit } = response.json().data;
      expect(chaosAudit.runs).toHaveLength(1);
      expect(chaosAudit.runs[0]).toMatchObject({
        model: 'synth-falsey:7b',
        hasAnswers: true,
        confusion: { tp: 99, fn: 536, biasVerdict: 'LABEL-BIASED' },
      });
      expect(chaosAudit.baselines).toEqual([chaosAudit.runs[0].runId]);
      expect(chaosAudit.checks.find(({ id }: { id: string }) => id === 'label-bias').result).toBe('FAILED');
      expect(chaosAudit.documents.map(({ name }: { name: string }) => name)).toEqual([...files.keys()]);
    });

    test('nothing to audit is an answer too', async () => {
      const query = '{ chaosAudit(filter: {verdict: {eq: "NONE"}}) { runs { id } checks { result } } }';
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
      const { chaosAudit } = response.json().data;
      expect(chaosAudit.runs).toEqual([]);
      expect(new Set(chaosAudit.checks.map(({ result }: { result: string }) => result))).toEqual(
        new Set(['NOT_EXAMINED']),
      );
    });
  });
});
