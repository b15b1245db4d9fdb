import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { recipeExampleId } from '../../ingest/families/hallulens/identity.ts';
import {
  hashFraction,
  type OpenAiServer,
  type OpenAiServerOptions,
  openAiServer,
} from '../support/openai-server.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';

let lake: TaskLake | undefined;
let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  await lake?.remove();
  lake = undefined;
  server = undefined;
});

const rows = Array.from({ length: 30 }, (_, i) => ({
  question: `what is ${i}?`,
  answer: `word${i}`,
  q_id: `q-${i}`,
}));
const respond = ({ prompt }: { prompt: string }): string => {
  const i = Number(/what is (\d+)/.exec(prompt)?.[1]);
  return i % 3 === 0 ? 'I do not know' : ` it is Word${i}.`;
};

async function setUp(options: OpenAiServerOptions, env: NodeJS.ProcessEnv = {}) {
  server = await openAiServer({ respond, ...options });
  lake = await taskLake(env);
  const model = { backend: 'openai', baseUrl: server.baseUrl, name: 'org/tiny', retryDelaySeconds: 0.001 };
  return { server, lake, model };
}

describe('inference with an endpoint', () => {
  test('becomes a run in the lake that follows the contract without an issue', async () => {
    const { lake, server, model } = await setUp({}, { TEST_API_KEY: 'sk-secret' });
    const job = await lake.run('inference', {
      model: { ...model, apiKeyEnv: 'TEST_API_KEY', concurrency: 3 },
      rows,
      benchmark: 'words',
      seed: 7,
      date: '2026-03-04',
    });
    expect(job.failure).toBeNull();
    const runId = 'main/hallulens/2026-03-04/mean_logprob/org__tiny/words/seed_7';
    expect(job.result).toMatchObject({ runIds: [runId], examples: 30, errors: 0, tokens: 100 });
    expect(lake.reports[0]!.runs[0]!.issues).toEqual([]);
    expect(await lake.sql('SELECT verdict, n_generations, n_predictions, n_issues FROM runs')).toEqual([
      { verdict: 'COMPLIANT', n_generations: 30n, n_predictions: 30n, n_issues: 0n },
    ]);
    const found = await lake.sql(
      `SELECT example_id, prompt, response, reference, halu, label_source, score_halu, extra
       FROM generations JOIN predictions USING (run_id, example_id) ORDER BY source_line`
        .replace('source_line', 'generations.source_line')
        .replace('extra', 'generations.extra'),
    );
    const prompt = 'Answer the question concisely.\n\nQ: what is 4?\nA:';
    const logs = [0, 1, 2].map((i) => -hashFraction(`${prompt}/${i}`));
    expect(found[4]).toMatchObject({
      example_id: recipeExampleId('words', 'test', prompt, 'org/tiny', 7),
      prompt,
      response: ' it is Word4.',
      reference: '{"answers":["word4"],"question":"what is 4?"}',
      halu: false,
      label_source: 'containment',
      score_halu: expect.closeTo(1 - Math.exp((logs[0]! + logs[1]! + logs[2]!) / 3), 12),
    });
    expect(found[3]).toMatchObject({ halu: true, extra: expect.stringContaining('"q_id":"q-3"') });
    expect(server.seen).toHaveLength(30);
    expect(server.busiest).toBeLessThanOrEqual(3);
    expect(server.seen[0]).toMatchObject({
      path: '/v1/completions',
      authorization: 'Bearer sk-secret',
      body: { model: 'org/tiny', max_tokens: 64, temperature: 0, seed: 7 },
    });
    expect(JSON.stringify([job, await lake.jobs.queue.events(job.id)])).not.toContain('sk-secret');
  });

  test('goes through rate limits, errors, dropped and truncated answers without an empty response', async () => {
    const troubles = [
      { status: 429, headers: { 'retry-after': '0.02' } },
      { status: 503 },
      'drop',
      'truncate',
      'nonsense',
      'hang',
    ] as const;
    const { lake, server, model } = await setUp({
      misbehave: ({ repeat, prompt }) => {
        const i = Number(/what is (\d+)/.exec(prompt)?.[1]);
        return repeat < (i % 3) + (i === 5 ? 1 : 0) ? troubles[(i + repeat) % troubles.length] : undefined;
      },
    });
    const job = await lake.run('inference', {
      model: { ...model, timeoutSeconds: 0.2 },
      rows,
      chat: true,
      systemPrompt: 'Be brief.',
    });
    expect(job).toMatchObject({ state: 'completed', attempt: 1, result: { examples: 30, errors: 0 } });
    expect(await lake.sql("SELECT count(*) AS n FROM generations WHERE response = ''")).toEqual([{ n: 0n }]);
    expect(server.seen.length).toBeGreaterThan(50);
    expect(server.seen[0]!.body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: expect.stringContaining('what is') },
    ]);
  });

  test('asks again only for what failed, and an empty answer is one', async () => {
    let broken = true;
    const { lake, server, model } = await setUp({
      respond: ({ prompt }) => (prompt.includes('what is 1?') ? '' : 'x'),
      misbehave: ({ prompt }) => (broken && /what is [27]\?/.test(prompt) ? { status: 500 } : undefined),
    });
    const spec = { model: { ...model, retries: 0, concurrency: 1 }, rows, evaluator: 'none' };
    const job = await lake.run('inference', spec, { maxAttempts: 2 });
    expect(job).toMatchObject({ state: 'failed', failure: { code: 'EXAMPLES_FAILED' }, attempt: 2 });
    expect(server.seen).toHaveLength(30 + 2);
    broken = false;
    await lake.jobs.queue.retry(job.id);
    await lake.drain();
    expect(server.seen).toHaveLength(30 + 2 + 2);
    expect(await lake.jobs.queue.get(job.id)).toMatchObject({ state: 'completed', result: { examples: 30 } });
    expect(await lake.sql("SELECT response FROM generations WHERE prompt LIKE '%is 1?%'")).toEqual([
      { response: '' },
    ]);
    expect(await lake.sql('SELECT DISTINCT label_source, halu FROM generations')).toEqual([
      { label_source: 'unlabelled', halu: false },
    ]);
  });

  test('one that is cancelled goes on where it stopped', async () => {
    let slow = true;
    const { lake, server, model } = await setUp({
      misbehave: ({ prompt }) => (slow && /what is [12]\d/.test(prompt) ? 'hang' : undefined),
    });
    const spec = { model: { ...model, concurrency: 2 }, rows };
    const { id } = await lake.jobs.submit('inference', spec);
    const working = lake.drain();
    while ((await lake.jobs.queue.get(id))?.progress?.done !== 10 || server.seen.length < 12) await sleep(5);
    await lake.jobs.queue.cancel(id);
    await working;
    expect(await lake.jobs.queue.get(id)).toMatchObject({ state: 'cancelled' });
    expect(server.seen).toHaveLength(12);
    slow = false;
    await lake.jobs.queue.retry(id);
    await lake.drain();
    expect(await lake.jobs.queue.get(id)).toMatchObject({ state: 'completed', result: { examples: 30 } });
    expect(server.seen).toHaveLength(12 + 20);
  });

  test('failures within the tolerance leave the run without them', async () => {
    const { lake, model } = await setUp({
      misbehave: ({ prompt }) =>
        prompt.includes('what is 2?') ? { status: 400, body: 'too long' } : undefined,
    });
    const job = await lake.run(
      'inference',
      { model, rows, errorTolerance: 0.1, logProbabilities: false },
      { maxAttempts: 1 },
    );
    expect(job).toMatchObject({ state: 'completed', result: { examples: 29, errors: 1 } });
    expect(job.result).toMatchObject({ runIds: [expect.stringContaining('/unscored/')] });
    const events = await lake.jobs.queue.events(job.id);
    expect(events.map(({ message }) => message)).toContain('generate 2: REQUEST_REFUSED: HTTP 400: too long');
  });

  test('an endpoint that refuses everything fails the job at once, one that is gone for the next attempt', async () => {
    const { lake, server, model } = await setUp(
      {
        misbehave: () => ({ status: 401, body: 'Incorrect API key provided: sk-secret' }),
      },
      { X_API_KEY: 'sk-secret' },
    );
    const refused = await lake.run('inference', { model: { ...model, apiKeyEnv: 'X_API_KEY' }, rows });
    expect(refused).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'ENDPOINT_REFUSED' } });
    expect(refused.failure?.message).toContain('HTTP 401: Incorrect API key provided: ***');
    await server.close();
    const gone = await lake.run('inference', { model: { ...model, retries: 1, concurrency: 2 }, rows });
    expect(gone).toMatchObject({ state: 'failed', attempt: 3, failure: { code: 'ENDPOINT_UNAVAILABLE' } });
  });

  test('shards are jobs of their own; put together they are the run of one job', async () => {
    const { lake, server, model } = await setUp({});
    const spec = { model, rows, n: 2, date: '2026-03-04' };
    const together = await lake.run('inference', { ...spec, benchmark: 'one' });
    const merged = await lake.run('inference', { ...spec, benchmark: 'many', shards: 4 });
    expect(merged).toMatchObject({
      state: 'completed',
      dependsOn: expect.arrayContaining([expect.any(String)]),
    });
    expect(merged.dependsOn).toHaveLength(4);
    expect(server.seen).toHaveLength(120);
    const other = await lake.run('inference', { ...spec, merge: [together.id] });
    expect(other).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'NO_SHARD' } });
    const few = await lake.run('inference', { ...spec, rows: rows.slice(0, 2), benchmark: 'few', shards: 3 });
    expect(few).toMatchObject({ state: 'completed', result: { examples: 4 } });
    const of = (job: typeof merged) =>
      lake.sql(
        `SELECT prompt, response, halu, generation_params FROM generations
       WHERE run_id LIKE '%/${job === merged ? 'many' : 'one'}/%' ORDER BY source_line`,
      );
    expect(await of(merged)).toEqual(await of(together));
    expect(
      await lake.sql("SELECT count(DISTINCT example_id) AS n FROM generations WHERE benchmark = 'many'"),
    ).toEqual([{ n: 60n }]);
  });

  test('a specification that cannot be done is refused before it is queued', async () => {
    const { lake, model } = await setUp({});
    const refused = async (spec: object) =>
      (await lake.jobs.submit('inference', { model, rows, ...spec }).catch((error: unknown) => error)) as {
        problems?: { pointer: string }[];
      };
    const pointers = async (spec: object) => (await refused(spec)).problems?.map(({ pointer }) => pointer);
    expect(await pointers({ benchmark: 'a/b' })).toEqual(['/benchmark']);
    expect(await pointers({ method: '..' })).toEqual(['/method']);
    expect(await pointers({ prompts: ['x'] })).toEqual(['/questions']);
    expect(await pointers({ capture: true })).toEqual(['/capture']);
    expect(await pointers({ model: { ...model, apiKeyEnv: 'AWS_SECRET_ACCESS_KEY' } })).toEqual([
      '/model/apiKeyEnv',
    ]);
    expect(await pointers({ model: { ...model, baseUrl: 'http://u:p@host/v1' } })).toEqual([
      '/model/baseUrl',
    ]);
    expect(await pointers({ questionTemplate: 'x' })).toEqual(['/questionTemplate']);
    expect(await pointers({ model: { backend: 'onnx', path: '/' } })).toEqual(['/model']);
  });

  test('questions are made by a model first', async () => {
    const { lake, model } = await setUp({
      respond: ({ prompt, body }) => {
        if (body['model'] !== 'writer') return 'the answer is 42';
        return prompt.startsWith('Ask') ? `  What is in ${prompt.slice(4)}?\nsure` : '42';
      },
    });
    const job = await lake.run('inference', {
      model,
      rows: [{ title: 'A' }, { title: 'B' }],
      questionModel: { ...model, name: 'writer' },
      questionTemplate: 'Ask {title}',
      answerTemplate: 'Answer {question} from {title}',
      promptTemplate: '{{{question}}}',
    });
    expect(job.failure).toBeNull();
    expect(await lake.sql('SELECT prompt, reference, halu FROM generations ORDER BY source_line')).toEqual(
      ['A', 'B'].map((title) => ({
        prompt: `{What is in ${title}?}`,
        reference: `{"answers":["42"],"question":"What is in ${title}?"}`,
        halu: false,
      })),
    );
  });
});
