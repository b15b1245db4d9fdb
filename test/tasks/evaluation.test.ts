import { afterEach, describe, expect, test } from 'vitest';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { type OpenAiServer, type OpenAiServerOptions, openAiServer } from '../support/openai-server.ts';
import { sharedDir } from '../support/shared.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';

let lake: TaskLake | undefined;
let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  await lake?.remove();
});

const RUN = 'main/hallulens/2026-03-04/mean_logprob/tiny/words/seed_0';
const RESPONSES = ['It is Paris.', 'the paris', 'London', 'I don’t know', 'Rome! paris'];

/** A run of five responses, and a judge. */
async function setUp(judge: OpenAiServerOptions['respond'], misbehave?: OpenAiServerOptions['misbehave']) {
  server = await openAiServer({
    respond: (request) =>
      request.body['model'] === 'judge'
        ? (judge?.(request) ?? '')
        : RESPONSES[Number(/q(\d)/.exec(request.prompt)?.[1])]!,
    ...(misbehave && { misbehave }),
  });
  lake = await taskLake();
  const model = { backend: 'openai', baseUrl: server.baseUrl, name: 'tiny', retryDelaySeconds: 0.001 };
  const rows = RESPONSES.map((_, i) => ({ question: `q${i}`, answer: 'Paris' }));
  const job = await lake.run('inference', { model, rows, benchmark: 'words', date: '2026-03-04' });
  expect(job.result).toMatchObject({ runIds: [RUN] });
  return { lake, server, judge: { ...model, name: 'judge' } };
}

const labels = (lake: TaskLake, method: string) =>
  lake.sql(
    `SELECT halu, abstained, label_source FROM generations
     WHERE run_id LIKE '%/${method}/%' ORDER BY source_line`,
  );

describe('evaluation of a stored run', () => {
  test('compares anew without generating; scores are those of the run', async () => {
    const { lake, server } = await setUp(undefined);
    const asked = server.seen.length;
    const evaluate = (evaluator: string) =>
      lake.run('evaluation', { runId: RUN, evaluator, date: '2026-03-05' });
    expect((await evaluate('containment')).result).toMatchObject({
      runIds: ['main/hallulens/2026-03-05/mean_logprob_containment/tiny/words/seed_0'],
      examples: 5,
      errors: 0,
    });
    await evaluate('exact');
    await evaluate('normalized_exact');
    expect(server.seen).toHaveLength(asked);
    for (const { runs } of lake.reports) expect(runs[0]!.issues).toEqual([]);
    const halu = async (method: string) => (await labels(lake, method)).map((row) => row['halu']);
    expect(await halu('mean_logprob_containment')).toEqual([false, false, true, true, false]);
    expect(await halu('mean_logprob_exact')).toEqual([true, true, true, true, true]);
    expect(await halu('mean_logprob_normalized_exact')).toEqual([true, false, true, true, true]);
    const scores = await lake.sql(
      'SELECT count(DISTINCT score_halu) AS n, count(*) AS rows FROM predictions GROUP BY example_id',
    );
    expect(scores).toEqual(Array(5).fill({ n: 1n, rows: 4n }));
    // All are wrong: no AUROC, and no complaint about it.
    expect(
      await lake.sql(
        "SELECT value, verdict FROM metrics JOIN runs USING (run_id) WHERE method = 'mean_logprob_exact' AND metric = 'auroc' AND source = 'reported'",
      ),
    ).toEqual([{ value: null, verdict: 'COMPLIANT' }]);
  });

  test('a judge labels, what it says otherwise is a hallucination, and abstentions are not predicted', async () => {
    const { lake, server, judge } = await setUp(({ prompt, body }) => {
      expect(body['max_tokens']).toBe(16);
      if (prompt.includes('is_abstaining'))
        return prompt.includes('know\n') ? 'Sure: {"is_abstaining": true}' : '{"is_abstaining": false}';
      if (prompt.includes('answer: London')) return 'Hmm, hard to say';
      return prompt.includes('Rome') ? 'INCORRECT.' : 'Correct, it is.';
    });
    const job = await lake.run('evaluation', {
      runId: RUN,
      evaluator: 'judge',
      abstention: 'judge',
      judge,
      method: 'judged',
    });
    expect(job.failure).toBeNull();
    const source = 'llm_judge:judge';
    expect(await labels(lake, 'judged')).toEqual([
      { halu: false, abstained: false, label_source: source },
      { halu: false, abstained: false, label_source: source },
      { halu: true, abstained: false, label_source: source },
      { halu: false, abstained: true, label_source: source },
      { halu: true, abstained: false, label_source: source },
    ]);
    expect(await lake.sql("SELECT count(*) AS n FROM predictions WHERE method = 'judged'")).toEqual([
      { n: 4n },
    ]);
    const metrics = await lake.sql(
      "SELECT metric, value FROM metrics WHERE run_id LIKE '%/judged/%' AND metric LIKE '%\\_rate' ESCAPE '\\' ORDER BY metric",
    );
    expect(metrics).toEqual([
      { metric: 'correct_rate', value: 0.4 },
      { metric: 'halu_rate', value: 0.5 },
      { metric: 'refusal_rate', value: 0.2 },
    ]);
    expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
    const judged = server.seen.filter(({ body }) => body['model'] === 'judge');
    expect(judged).toHaveLength(10);
    expect(judged[0]!.path).toBe('/v1/chat/completions');
  });

  test('a reply without a verdict may be an error, and is asked for again', async () => {
    const { lake, server, judge } = await setUp(({ prompt, repeat }) =>
      prompt.includes('answer: London') && repeat < 1 ? 'perhaps' : 'yes',
    );
    const before = server.seen.length;
    const job = await lake.run('evaluation', { runId: RUN, evaluator: 'judge', judge, otherwise: 'error' });
    expect(job).toMatchObject({ state: 'completed', attempt: 2 });
    expect(server.seen.length - before).toBe(6);
  });

  test.skipIf(sharedDir === undefined)('containment labels as the HalluLens tasks did', async () => {
    lake = await taskLake();
    const options = { families: FAMILIES };
    await ingest(lake.writer, [`${sharedDir}fixtures/hallulens/good/output`], options);
    for (const task of ['triviaqa_unfiltered_dev', 'mmlu']) {
      const job = await lake.run('evaluation', { runId: `main/hallulens/output/${task}/tiny-llama-4l` });
      expect(job.failure).toBeNull();
      expect(lake.reports.at(-1)!.runs[0]!.issues).toEqual([]);
      const agreement = await lake.sql(
        `SELECT value FROM metrics WHERE run_id LIKE '%/${task}/seed_0' AND metric = 'agreement'`,
      );
      expect(agreement).toEqual([{ value: 1 }]);
    }
  });

  test('abstention by phrases keeps the labels; runs that are not there are told', async () => {
    const { lake } = await setUp(undefined);
    await lake.run('evaluation', { runId: RUN, evaluator: 'keep', abstention: 'phrases', method: 'kept' });
    expect(
      (await labels(lake, 'kept')).map((row) => [row['halu'], row['abstained'], row['label_source']]),
    ).toEqual([
      [false, false, 'containment'],
      [false, false, 'containment'],
      [true, false, 'containment'],
      [true, true, 'containment'],
      [false, false, 'containment'],
    ]);
    const missing = await lake.run('evaluation', { runId: 'main/nope' });
    expect(missing).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'RUN_NOT_FOUND' } });
    await expect(lake.jobs.submit('evaluation', { runId: RUN, evaluator: 'judge' })).rejects.toMatchObject({
      code: 'INVALID_SPEC',
    });
  });
});
