import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditRuns } from '../../compute/tasks/chaos/audit/audit.ts';
import { chaosEvaluationTask } from '../../compute/tasks/chaos/evaluation/evaluation.ts';
import { publishRun } from '../../compute/tasks/chaos/publish/publish.ts';
import { CURRENT_PROMPT_HASH } from '../../ingest/families/chaosbench/policy/index.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { type OpenAiServer, type OpenAiServerOptions, openAiServer } from '../support/openai-server.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';

const COUNT = 24;
const items = Array.from({ length: COUNT }, (_, i) => ({
  id: `item-${i}`,
  question: `Is system ${i} chaotic?`,
  ground_truth: i % 3 === 0 ? 'FALSE' : 'TRUE',
  type: i < 8 ? 'atomic' : 'multi_hop',
}));
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const numberIn = (text: string) => Number(/system (\d+)/.exec(text)?.[1]);

let lake: TaskLake;
let root: string;
let server: OpenAiServer | undefined;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'runlake-chaos-'));
  lake = await taskLake({}, {}, [chaosEvaluationTask]);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(async () => {
  await lake?.remove();
  rmSync(root, { recursive: true, force: true });
});

let datasets = 0;
/** A file of items of its own. */
function datasetFile(rows: readonly object[] = items): string {
  const path = join(root, `items-${datasets++}.jsonl`);
  writeFileSync(path, jsonl(rows));
  return path;
}

async function endpoint(options: OpenAiServerOptions) {
  server = await openAiServer(options);
  const model = {
    backend: 'openai',
    baseUrl: server.baseUrl,
    name: 'org/tiny-8b',
    retryDelaySeconds: 0.001,
  };
  return { server, model };
}

const filesOf = (result: unknown) => {
  const { root: place } = result as { root: string };
  const read = (name: string) => readFileSync(join(lake.directory, 'store', place, name), 'utf8');
  const records = () =>
    read('predictions.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const manifest = () => JSON.parse(read('run_manifest.json')) as Record<string, unknown>;
  return { read, records, manifest };
};

describe('an evaluation by an endpoint', () => {
  test('goes through rate limits, errors, dropped, truncated and slow answers; none becomes an invalid answer', async () => {
    const troubles = [
      { status: 429, headers: { 'retry-after': '0.02' } },
      { status: 503 },
      'drop',
      'truncate',
      'nonsense',
      'hang',
    ] as const;
    const { server, model } = await endpoint({
      respond: ({ prompt }) => (numberIn(prompt) % 3 === 0 ? 'No.' : '**TRUE**'),
      misbehave: ({ repeat, prompt }) =>
        repeat < numberIn(prompt) % 2 ? troubles[numberIn(prompt) % troubles.length] : undefined,
    });
    const job = await lake.run('chaos_eval', {
      model: { ...model, timeoutSeconds: 0.3 },
      dataset: datasetFile(),
      provider: 'ollama',
    });
    expect(job).toMatchObject({ state: 'completed', attempt: 1, progress: { unit: null } });
    expect(job.result).toMatchObject({ items: COUNT, valid: COUNT, correct: COUNT, errors: 0 });
    const { records, manifest } = filesOf(job.result);
    expect(records().map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    expect(manifest()).toMatchObject({
      run_id: expect.stringMatching(/^\d{8}T\d{6}Z_ollama_org_tiny-8b$/),
      provider: 'ollama/org/tiny-8b',
      prompt_version: 'plain',
      workers: 4,
      resumed_from: null,
    });
    expect(server.busiest).toBeLessThanOrEqual(4);
    expect(server.seen[0]).toMatchObject({
      path: '/v1/chat/completions',
      body: {
        model: 'org/tiny-8b',
        temperature: 0,
        max_tokens: 16,
        messages: [
          { role: 'user', content: expect.stringMatching(/\n\nQuestion: Is system \d+ chaotic\?$/) },
        ],
      },
    });
    const [run] = lake.reports.at(-1)!.runs;
    expect(run).toMatchObject({ status: 'ingested', issues: [{ code: 'SELECTOR_NOT_CANONICAL' }] });
  });

  test('asks once more after an invalid answer; an empty text is one, an error is none', async () => {
    const { server, model } = await endpoint({
      respond: ({ prompt }) => {
        const i = numberIn(prompt);
        if (prompt.includes('Your response:')) return i === 1 ? 'TRUE' : 'it depends';
        return i === 1 ? 'Well.' : i === 2 ? '' : 'TRUE';
      },
      misbehave: ({ prompt }) => (numberIn(prompt) === 4 ? { status: 400, body: 'too long' } : undefined),
    });
    const spec = { model, dataset: datasetFile(items.slice(0, 6)), workers: 2 };
    const strict = await lake.run('chaos_eval', spec, { maxAttempts: 2 });
    expect(strict).toMatchObject({ state: 'failed', attempt: 2, failure: { code: 'EXAMPLES_FAILED' } });
    // The others were not asked again.
    expect(server.seen).toHaveLength(6 + 2 + 1);
    expect(server.busiest).toBeLessThanOrEqual(2);
    const tolerant = await lake.run(
      'chaos_eval',
      { ...spec, errorTolerance: 0.2, resume: strict.id },
      { maxAttempts: 1 },
    );
    expect(tolerant.result).toMatchObject({ items: 5, valid: 4, errors: 1 });
    expect(server.seen).toHaveLength(10);
    const { records, manifest } = filesOf(tolerant.result);
    expect(
      records().map((row) => [
        row['id'],
        row['outcome'],
        row['pred_text'],
        row['retry_pred_text'],
        row['retry_outcome'],
      ]),
    ).toEqual([
      ['item-0', 'VALID_TRUE', 'TRUE', null, null],
      ['item-1', 'VALID_TRUE', 'TRUE', 'TRUE', 'VALID_TRUE'],
      ['item-2', 'INVALID', '', 'it depends', 'INVALID'],
      ['item-3', 'VALID_TRUE', 'TRUE', null, null],
      ['item-5', 'VALID_TRUE', 'TRUE', null, null],
    ]);
    expect(manifest()).toMatchObject({ total_items_evaluated: 5, workers: 2, prompt_version: 'plain' });
    const events = await lake.jobs.queue.events(tolerant.id);
    expect(events.map(({ message }) => message)).toContain('ask 4: REQUEST_REFUSED: HTTP 400: too long');
  });

  test('that dies fails the attempt; a retry asks the rest of another', async () => {
    let asked = 0;
    const { server: first, model } = await endpoint({
      respond: () => 'TRUE',
      misbehave: () => (++asked > 10 ? 'drop' : undefined),
    });
    const spec = { model: { ...model, retries: 0 }, dataset: datasetFile(), workers: 1 };
    const job = await lake.run('chaos_eval', spec, { maxAttempts: 2 });
    expect(job).toMatchObject({ state: 'failed', attempt: 2, failure: { code: 'ENDPOINT_UNAVAILABLE' } });
    await first.close();
    const { server: second, model: elsewhere } = await endpoint({ respond: () => 'TRUE' });
    const resumed = await lake.run('chaos_eval', { ...spec, model: elsewhere, workers: 3, resume: job.id });
    expect(resumed.result).toMatchObject({ items: COUNT, errors: 0 });
    expect(second.seen).toHaveLength(COUNT - 10);
    const { run_id: begun } = JSON.parse(
      readFileSync(join(lake.directory, 'store/jobs', job.id, 'beginning.json'), 'utf8'),
    ) as { run_id: string };
    expect(filesOf(resumed.result).manifest()).toMatchObject({ resumed_from: begun, workers: 3 });
    const twice = await lake.run('chaos_eval', { ...spec, resume: resumed.id });
    expect(twice.failure).toMatchObject({
      code: 'NOTHING_TO_RESUME',
      message: expect.stringContaining('is complete'),
    });
  });
});

describe('an evaluation goes on', () => {
  const slow = { backend: 'mock', mock: { delaySeconds: 0.06 } };

  /** Cancels a job when it has asked some of its items; it takes several heartbeats for all of them. */
  async function cancelled(spec: object): Promise<string> {
    const { id } = await lake.jobs.submit('chaos_eval', spec);
    const working = lake.drain();
    while (((await lake.jobs.queue.get(id))?.progress?.done ?? 0) === 0) await sleep(2);
    await lake.jobs.queue.cancel(id);
    await working;
    expect(await lake.jobs.queue.get(id)).toMatchObject({ state: 'cancelled' });
    return id;
  }

  const retried = async (id: string) => {
    await lake.jobs.queue.retry(id);
    await lake.drain();
    return (await lake.jobs.queue.get(id))!;
  };

  test('when it is retried after it was cancelled; until then its checkpoint is an interrupted run', async () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ ...items[0], id: `i${i}`, question: `q ${i}` }));
    const id = await cancelled({ model: slow, dataset: datasetFile(many), label: 'cancelled' });
    const runs = join(lake.directory, 'store/jobs', id, 'runs');
    const report = await ingest(lake.writer, [runs], { families: FAMILIES });
    expect(report.runs).toMatchObject([{ status: 'ingested', issues: [{ code: 'INTERRUPTED_RUN' }] }]);
    const job = await retried(id);
    expect(job).toMatchObject({ state: 'completed', result: { items: 40 } });
    expect(lake.reports.at(-1)!.runs).toMatchObject([{ status: 'replaced' }]);
    const { manifest } = filesOf(job.result);
    expect(manifest()['resumed_from']).toBe(manifest()['run_id']);
    const [label] = readdirSync(runs);
    const [name = ''] = readdirSync(join(runs, label!));
    expect(readdirSync(join(runs, label!, name))).not.toContain('.eval_checkpoint.jsonl');
    expect(readdirSync(join(lake.directory, 'store/jobs', id))).not.toContain('answers');
  });

  test('only with the dataset, the prompt and the model that it began with', async () => {
    const dataset = datasetFile();
    const id = await cancelled({ model: slow, dataset });
    writeFileSync(dataset, jsonl([...items, { ...items[0], id: 'one more' }]));
    const changed = await retried(id);
    expect(changed).toMatchObject({ state: 'failed', failure: { code: 'RESUME_REFUSED' } });
    expect(changed.failure?.message).toMatch(
      /^this job began with another dataset: dataset sha256 was "[0-9a-f]{64}", is "[0-9a-f]{64}"; dataset items was 24, is 25; .*put it back and retry the job, or launch a new evaluation$/,
    );
    writeFileSync(dataset, jsonl(items));
    const resume = async (spec: object) =>
      (await lake.run('chaos_eval', { model: slow, dataset, resume: id, ...spec })).failure?.message;
    expect(await resume({ prompt: { variant: 'compact' }, maxItems: 7 })).toMatch(
      /another selection and prompt: selection max_items was null, is 7; prompt version was "plain", is "compact"; prompt hash was "\w+", is "\w+"; .*give the same again, or leave `resume` out/,
    );
    expect(
      await resume({ model: { backend: 'openai', baseUrl: 'http://127.0.0.1:1', name: 'x' } }),
    ).toContain('model provider was "mock", is "openai/x"');
    expect(await resume({ model: { backend: 'mock', mock: { texts: ['FALSE'] } } })).toContain(
      'the job began with another model',
    );
    expect(await resume({ resume: 'job-none' })).toContain('job job-none has begun no ChaosBench evaluation');
    expect(await retried(id)).toMatchObject({ state: 'completed', result: { items: COUNT } });
  });
});

describe('runs', () => {
  test('of one second have different names; a name that was given is taken', async () => {
    const spec = { model: { backend: 'mock' }, dataset: datasetFile(), runId: 'mine' };
    const ids = await Promise.all(
      [0, 1].map(() => lake.jobs.submit('chaos_eval', { ...spec, runId: undefined })),
    );
    await lake.drain();
    const done = await Promise.all(ids.map(({ id }) => lake.jobs.queue.get(id)));
    expect(new Set(done.map((job) => filesOf(job?.result).manifest()['run_id'])).size).toBe(2);
    expect((await lake.run('chaos_eval', spec)).result).toMatchObject({ runIds: ['main/chaosbench/mine'] });
    const again = await lake.run('chaos_eval', spec);
    expect(again.failure).toMatchObject({ code: 'RUN_ID_TAKEN' });
  });

  test.each([
    ['an item without an id', [items[0], { question: 'q', answer: 'T' }], /jsonl:2: no id/],
    ['an id twice', [items[0], items[1], items[0]], /jsonl:3: the id item-0 is in items-\d+.jsonl:1 already/],
    [
      'a truth that is none',
      [{ ...items[0], ground_truth: 'MAYBE' }],
      /:1: the ground truth "MAYBE"; expected/,
    ],
    ['no object', [[]], /:1: expected an object/],
  ])('%s is refused before anything is asked', async (_, rows, message) => {
    const dataset = datasetFile(rows as object[]);
    const job = await lake.run('chaos_eval', { model: { backend: 'mock' }, dataset });
    expect(job).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'BAD_DATASET' } });
    expect(job.failure?.message).toMatch(message);
  });

  test('a dataset that is not there, and one without items', async () => {
    const run = (dataset: string) => lake.run('chaos_eval', { model: { backend: 'mock' }, dataset });
    expect((await run(join(root, 'nowhere'))).failure).toMatchObject({ code: 'NO_DATASET' });
    expect(await run(datasetFile([]))).toMatchObject({ state: 'skipped', failure: { code: 'NO_ITEMS' } });
  });
});

describe('a run on the canonical dataset of a checkout', () => {
  let project: string;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project, encoding: 'utf8' });
  const lookup = () => ({ lake: { reader: lake.lake, home: lake.lake.home }, env: {}, now: new Date() });
  const runOf = async (label: string) => {
    const [run] = await lake.sql(
      `SELECT run_id, verdict, verdict_reasons, split FROM runs WHERE run_id LIKE '%/${label}/%'`,
    );
    return { ...run, runId: String(run?.['run_id']) };
  };

  beforeAll(() => {
    project = join(root, 'project');
    mkdirSync(join(project, 'data'), { recursive: true });
    const selector = JSON.stringify({ files: ['data/b.jsonl', 'data/a.jsonl'] });
    writeFileSync(join(project, 'data/canonical_v2_files.json'), selector);
    writeFileSync(join(project, 'data/a.jsonl'), jsonl(items.slice(0, 12)));
    writeFileSync(join(project, 'data/b.jsonl'), jsonl(items.slice(12)));
    git('init', '-q');
    git('add', '.');
    git('-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-qm', 'all');
    git('tag', 'v1');
  });

  test('is official with the benchmark’s prompt: it passes the audit and is published', async () => {
    const { server, model } = await endpoint({
      respond: ({ prompt }) => (prompt.includes('One word.') ? 'FALSE' : numberIn(prompt) % 3 ? 'yes' : '?'),
    });
    const prompt = { variant: 'test', system: 'Judge.', reprompt: 'One word.' };
    const job = await lake.run('chaos_eval', { model, dataset: project, label: 'official', prompt });
    expect(job.failure).toBeNull();
    expect(server.seen[0]!.prompt).toBe('Judge.\n\nQuestion: Is system 12 chaotic?');
    const { manifest } = filesOf(job.result);
    expect(manifest()).toMatchObject({
      prompt_version: 'test',
      canonical_selector: 'data/canonical_v2_files.json',
      git_commit: git('rev-parse', '--short', 'HEAD').trim(),
      total_items_evaluated: COUNT,
      max_items: null,
    });
    expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
    const exploratory = await runOf('official');
    expect(exploratory).toMatchObject({ verdict: 'EXPLORATORY', verdict_reasons: ['prompt_hash'] });
    const request = { run: exploratory.runId, out: join(root, 'out') };
    await expect(publishRun(request, lookup())).rejects.toMatchObject({ code: 'NOT_OFFICIAL' });

    // The texts of the official prompt are the benchmark's own: here only their hash is there.
    const { root: place } = job.result as { root: string };
    const directory = join(lake.directory, 'store', place);
    const path = join(directory, 'run_manifest.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/"prompt_hash": "\w+"/, `"prompt_hash": "${CURRENT_PROMPT_HASH}"`));
    await ingest(lake.writer, [directory], { families: FAMILIES });
    const official = await runOf('official');
    expect(official).toMatchObject({ verdict: 'OFFICIAL', verdict_reasons: [], split: 'canonical' });
    const { checks } = await auditRuns(lake.lake, await lake.lake.snapshot(), { runIds: [official.runId] });
    expect(checks.filter(({ result }) => result === 'FAILED')).toEqual([]);
    const published = await publishRun(request, lookup());
    expect(published).toMatchObject({ status: 'published', receipt: { verdict: 'OFFICIAL' } });
  });

  test('names what keeps it from that', async () => {
    const spec = { model: { backend: 'mock' }, dataset: project, label: 'exploratory' };
    await lake.run('chaos_eval', { ...spec, gitCommit: 'abcdef0', maxItems: 3 });
    expect(await runOf('exploratory')).toMatchObject({
      verdict: 'EXPLORATORY',
      verdict_reasons: ['prompt_hash', 'max_items', 'git_commit', 'mock_provider'],
      split: 'subset_3',
    });
  });
});
