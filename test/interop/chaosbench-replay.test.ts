import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chaosEvaluationTask } from '../../compute/tasks/chaos/evaluation/evaluation.ts';
import { sharedDir } from '../support/shared.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures/chaosbench`;
const recordedRuns = `${fixtures}/mini_project/runs`;

/** Recorded runs, and what was on the command line that made them. */
const RUNS = {
  full_messy: { workers: 4 },
  full_mock: {},
  sub_max200: { maxItems: 200, workers: 4 },
  flaky: { maxItems: 120, seed: 7, workers: 2 },
  allinvalid: { maxItems: 40, workers: 4 },
  sub_file: { dataset: 'data/subsets/mini_balanced.jsonl', workers: 2 },
} as const;

/** The commit that made them; it is tagged. */
const COMMIT = '956ba40';

describe.skipIf(sharedDir === undefined)('evaluations of recorded answers', () => {
  let lake: TaskLake;
  let project: string;

  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), 'runlake-chaos-'));
    for (const part of ['artifacts/freeze', 'data'])
      cpSync(`${fixtures}/mini_project/${part}`, join(project, part), { recursive: true });
    cpSync(`${fixtures}/git_reachable_from_tags.json`, join(project, 'git_reachable_from_tags.json'));
    lake = await taskLake({}, {}, [chaosEvaluationTask]);
  });
  afterAll(async () => {
    await lake?.remove();
    rmSync(project, { recursive: true, force: true });
  });

  test.each(Object.entries(RUNS))('write what the benchmark wrote: %s', async (name, settings) => {
    const [runId = ''] = readdirSync(join(recordedRuns, name));
    const recorded = (file: string) => readFileSync(join(recordedRuns, name, runId, file), 'utf8');
    const { dataset = '', ...options } = { dataset: undefined, ...settings };
    const job = await lake.run('chaos_eval', {
      model: {
        backend: 'mock',
        mock: { mode: 'recorded', file: join(recordedRuns, name, runId, 'predictions.jsonl') },
      },
      dataset: join(project, dataset),
      label: name,
      gitCommit: COMMIT,
      ...options,
    });
    expect(job.failure).toBeNull();
    expect(job.result).toMatchObject({ runIds: [expect.stringContaining(`main/chaosbench/${name}/`)] });
    const { root } = job.result as { root: string };
    const made = (file: string) => readFileSync(join(lake.directory, 'store', root, file), 'utf8');
    expect(made('predictions.jsonl') === recorded('predictions.jsonl')).toBe(true);
    expect(made('metrics.json')).toBe(recorded('metrics.json'));

    const manifest = JSON.parse(recorded('run_manifest.json')) as Record<string, string>;
    const { run_id: ownId = '' } = JSON.parse(made('run_manifest.json')) as Record<string, string>;
    // It was deleted from one of them.
    if (existsSync(join(recordedRuns, name, runId, 'summary.md'))) {
      expect(made('summary.md')).toBe(
        recorded('summary.md').replace(runId, ownId).replace(`** ${manifest['provider']}`, '** mock'),
      );
    }
    // The benchmark names the canonical dataset whatever it evaluates.
    const isFile = dataset !== '';
    const known = (text: string) =>
      text
        .replace(
          /"(run_id|created_utc|provider|python_version|prompt_version|prompt_hash)": "[^"]*"/g,
          '"$1"',
        )
        .replace(isFile ? /"(dataset_global_sha256|canonical_selector)": "[^"]*"/g : /$^/, '"$1"');
    expect(known(made('run_manifest.json'))).toBe(known(recorded('run_manifest.json')));
    expect(readdirSync(join(lake.directory, 'store', root)).sort()).toEqual([
      'metrics.json',
      'predictions.jsonl',
      'run_manifest.json',
      'summary.md',
    ]);
  });

  test('are in the lake without an issue, and judged by the project they came from', async () => {
    const runs = await lake.sql(
      `SELECT split_part(run_id, '/', 3) AS name, verdict, array_to_string(verdict_reasons, ' ') AS reasons, split, n_issues::INT AS issues
       FROM runs ORDER BY name`,
    );
    // The texts of the official prompt are the benchmark's own.
    const whole = {
      verdict: 'EXPLORATORY',
      reasons: 'prompt_hash mock_provider',
      split: 'canonical',
      issues: 0,
    };
    expect(runs).toEqual([
      { ...whole, name: 'allinvalid', reasons: 'prompt_hash max_items mock_provider', split: 'subset_40' },
      { ...whole, name: 'flaky', reasons: 'prompt_hash max_items mock_provider', split: 'subset_120' },
      { ...whole, name: 'full_messy' },
      { ...whole, name: 'full_mock' },
      {
        ...whole,
        name: 'sub_file',
        reasons: expect.stringContaining('canonical_selector dataset_global_sha256 prompt_hash'),
        split: null,
        // SELECTOR_NOT_CANONICAL
        issues: 1,
      },
      { ...whole, name: 'sub_max200', split: 'subset_200' },
    ]);
  });
});
