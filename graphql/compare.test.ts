import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../lake/tables/schema.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { generationRow, predictionRow, runRow } from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

const judged = (run: string, id: string, correct: boolean | null, row: Row = {}) =>
  predictionRow(run, id, { correct, pred_label: correct === null ? null : correct ? 'YES' : 'NO', ...row });
const scored = (run: string, id: string, score_halu: number, label_halu: boolean, row: Row = {}) =>
  predictionRow(run, id, { score_halu, label_halu, ...row });

/** Two samples of each of four prompts, whose scores fall from sample to sample. */
const samples = [0, 1, 2, 3].flatMap((prompt) =>
  [0, 1].map((sample) => ({ prompt, id: `s${prompt}_${sample}` })),
);
const sampled = (run: string, right: (prompt: number) => boolean, gain: number) =>
  samples.map(({ prompt, id }, i) =>
    judged(run, id, right(prompt), { score_halu: (i * gain) % 8, label_halu: i % 3 === 0 }),
  );

beforeAll(async () => {
  const chaos = { family: 'CHAOSBENCH' };
  const harness = { family: 'LM_EVAL' };
  const vectors = { family: 'FV' };
  const [x, y] = [{ task_family: 'x' }, { task_family: 'y' }];
  lake = await FakeLake.create({
    runs: [
      runRow('c/1', { ...chaos, seed: 2n ** 60n }),
      runRow('c/2', chaos),
      runRow('c/other', chaos),
      ...['h/1', 'h/2', 'h/relabelled'].map((id) => runRow(id)),
      ...['n/1', 'n/2', 'n/3'].map((id) => runRow(id)),
      runRow('l/1', harness),
      runRow('l/2', harness),
      runRow('l/chosen', harness),
      runRow('l/written', harness),
      runRow('v/1', vectors),
      runRow('v/2', vectors),
      runRow('l/task', { ...harness, benchmark: 'another' }),
    ],
    generations: [
      ...samples.map(({ prompt, id }) => generationRow('n/1', id, { prompt: `question ${prompt}` })),
      // Another template, which asks two of the questions alike.
      ...samples.map(({ prompt, id }) => generationRow('n/2', id, { prompt: `${Math.max(1, prompt)}?` })),
      ...['n/3', 'h/1'].flatMap((run) => samples.map(({ id }) => generationRow(run, id, { prompt: '' }))),
      ...['d', 'e'].flatMap((id) => [
        generationRow('l/chosen', id, { prompt: 'Which is right?' }),
        generationRow('l/written', id, { prompt: 'Which is right?', generation_params: '{}' }),
      ]),
    ],
    predictions: [
      ...sampled('n/1', (prompt) => prompt === 2, 5),
      ...sampled('n/2', (prompt) => prompt !== 2, 3),
      ...sampled('n/3', (prompt) => prompt !== 2, 3),
      judged('c/1', 'lost', true, x),
      judged('c/2', 'lost', false, x),
      judged('c/1', 'gained', false, x),
      judged('c/2', 'gained', true, x),
      judged('c/1', 'same', true, y),
      judged('c/2', 'same', true, y),
      judged('c/1', 'unanswered', null, y),
      judged('c/2', 'unanswered', true, y),
      judged('c/1', 'reworded', false, { ...y, pred_label: 'MAYBE' }),
      judged('c/2', 'reworded', false, y),
      judged('c/1', 'twice', true, y),
      judged('c/1', 'twice', true, y),
      judged('c/2', 'twice', true, y),
      judged('c/1', 'first', true, x),
      judged('c/2', 'second', true, x),
      judged('c/2', 'third', true, x),
      judged('c/other', 'elsewhere', true),
      ...[0, 1, 2, 3, 4, 5].flatMap((i) => [
        scored('h/1', `e${i}`, i, i > 2),
        scored('h/2', `e${i}`, i % 3, i > 2),
        scored('h/relabelled', `e${i}`, i, i > 1),
      ]),
      scored('h/1', 'unranked', Number.NaN, true),
      scored('h/2', 'unranked', 1, true, { pred_halu: true }),
      scored('h/1', 'vast', Number.POSITIVE_INFINITY, true, { pred_halu: true }),
      scored('h/2', 'vast', 1, true, { pred_halu: false }),
      ...['strict', 'flexible'].flatMap((method) => [
        judged('l/1', 'd', method === 'strict', { method }),
        judged('l/2', 'd', true, { method }),
      ]),
      ...[2, 10].flatMap((layer) => [
        judged('v/1', 'd', false, { edit_layer: layer }),
        judged('v/2', 'd', layer === 10, { edit_layer: layer }),
      ]),
      ...['l/chosen', 'l/written'].flatMap((run) =>
        ['d', 'e'].map((id) => judged(run, id, true, { method: 'none' })),
      ),
    ],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function answer(query: string) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
  return response.json();
}
const compare = async (args: string, fields: string) => {
  const { data, errors } = await answer(`{ compareRuns(${args}) { ${fields} } }`);
  expect(errors).toBeUndefined();
  return data.compareRuns;
};

describe('compareRuns', () => {
  it('counts apart what has only scores, which may differ without a flip', async () => {
    expect(
      await compare('a: "h/1", b: "h/2"', 'common counts { lost gained changed same incomparable }'),
    ).toEqual({
      common: 8,
      counts: { lost: 0, gained: 0, changed: 1, same: 0, incomparable: 7 },
    });
  });

  it('counts and lists what flipped, and what is in one run only', async () => {
    const side = '{ correct predLabel }';
    const found = await compare(
      'a: "c/1", b: "c/2"',
      `a { id seed } common onlyInA onlyInB repeated labelsDiffer counts { lost gained changed same incomparable }
       flips { kind exampleId scope a ${side} b ${side} } endCursor ranking { n } notes`,
    );
    expect(found).toEqual({
      a: { id: 'c/1', seed: String(2n ** 60n) },
      common: 5,
      onlyInA: 1,
      onlyInB: 2,
      repeated: 1,
      labelsDiffer: 0,
      counts: { lost: 1, gained: 1, changed: 2, same: 1, incomparable: 0 },
      flips: [
        ['GAINED', 'gained', 'x', false, 'NO', true, 'YES'],
        ['LOST', 'lost', 'x', true, 'YES', false, 'NO'],
        ['CHANGED', 'reworded', 'y', false, 'MAYBE', false, 'NO'],
        ['CHANGED', 'unanswered', 'y', null, null, true, 'YES'],
      ].map(([kind, exampleId, family, correctA, labelA, correctB, labelB]) => ({
        kind,
        exampleId,
        scope: `family:${family}`,
        a: { correct: correctA, predLabel: labelA },
        b: { correct: correctB, predLabel: labelB },
      })),
      endCursor: null,
      ranking: null,
      notes: ['correctness leaves out 1 of 5 common examples: a run does not judge them'],
    });
  });

  it('judges correctness overall and by task family', async () => {
    const fields =
      'scope n bothRight onlyARight onlyBRight neitherRight difference { value } test { pValue adjustedPValue correction }';
    const { correctness, scopes } = await compare(
      'a: "c/1", b: "c/2"',
      `correctness { ${fields} } scopes { ${fields} }`,
    );
    expect(correctness).toEqual({
      scope: 'overall',
      n: 4,
      bothRight: 1,
      onlyARight: 1,
      onlyBRight: 1,
      neitherRight: 1,
      difference: { value: 0 },
      test: { pValue: 1, adjustedPValue: null, correction: null },
    });
    expect(scopes).toMatchObject([
      {
        scope: 'family:x',
        n: 2,
        bothRight: 0,
        test: { adjustedPValue: 1, correction: 'Holm over the scopes' },
      },
      { scope: 'family:y', n: 2, bothRight: 1, test: { adjustedPValue: 1 } },
    ]);
  });

  it('pages flips over one state of the lake', async () => {
    const kinds: string[] = [];
    let after = '';
    for (let page = 0; page < 3; page++) {
      const { flips, endCursor } = await compare(
        `a: "c/1", b: "c/2", first: 2${after}`,
        'flips { exampleId } endCursor',
      );
      kinds.push(...flips.map(({ exampleId }: { exampleId: string }) => exampleId));
      if (endCursor === null) break;
      after = `, after: "${endCursor}"`;
    }
    expect(kinds).toEqual(['gained', 'lost', 'reworded', 'unanswered']);
    const { errors } = await answer(`{ compareRuns(a: "c/2", b: "c/1"${after}) { common } }`);
    expect(errors[0].extensions.code).toBe('BAD_CURSOR');
  });

  it('ranks by scores on equal labels, and says what it leaves out', async () => {
    const fields = `ranking { n positives aurocA { value interval } aurocB { value } difference { value low high } test { method pValue } }
      correctness { n } notes flips { exampleId a { scoreHalu } }`;
    const query = `{ compareRuns(a: "h/1", b: "h/2") { ${fields} } }`;
    const { data, extensions } = await answer(query);
    const { ranking, correctness, notes, flips } = data.compareRuns;
    expect(ranking).toMatchObject({ n: 7, positives: 4, aurocA: { value: 1, interval: expect.any(String) } });
    expect(ranking.aurocB.value).toBe(0.5);
    expect(ranking.difference.value).toBe(-0.5);
    expect(ranking.difference.low).toBeLessThan(-0.5);
    expect(correctness).toBeNull();
    expect(notes).toEqual([
      'no correctness: no example is judged in both runs',
      'AUROCs leave out 1 of 8 common examples: a run has no score or label',
    ]);
    expect(flips).toEqual([{ exampleId: 'vast', a: { scoreHalu: null } }]);
    expect(extensions.issues).toMatchObject([
      { path: ['compareRuns', 'flips', 0, 'a', 'scoreHalu'], value: 'Infinity' },
    ]);
    expect((await answer(query)).data).toEqual(data);
  });

  it('takes samples of one prompt together', async () => {
    const test = '{ method pValue adjustedPValue }';
    const found = await compare(
      'a: "n/1", b: "n/2", resamples: 500',
      `correctness { n accuracyA { interval } difference { value low high interval } test ${test} clusteredTest ${test} }
       ranking { difference { low high interval } test ${test} clusteredTest ${test} } notes`,
    );
    const { correctness, ranking, notes } = found;
    // Questions 0 and 1 are one prompt of n/2. Their four samples gain, as do two; two lose: strays of 2, -3 and 1 from a mean of 1/2.
    const half = 4.302652729911275 * (Math.sqrt((3 / 2) * (2 ** 2 + 3 ** 2 + 1)) / 8);
    expect(correctness.difference).toEqual({
      value: 0.5,
      low: -1,
      high: Math.min(1, 0.5 + half),
      interval: 'Student t, standard error clustered by prompt (3 prompts)',
    });
    expect(correctness.test.method).toBe(
      'McNemar, exact binomial, two-sided, as if examples were independent',
    );
    expect(correctness.accuracyA.interval).toBe('Wilson score, as if examples were independent');
    expect(correctness.test.pValue).toBeCloseTo(37 / 128, 12);
    expect(correctness.clusteredTest.pValue).toBeGreaterThan(correctness.test.pValue);
    expect(ranking.difference.interval).toBe(
      'paired cluster bootstrap, percentiles, drawn by prompt (3 prompts), 500 resamples, seed 0',
    );
    expect(ranking.test.method).toContain('as if examples were independent');
    expect(ranking.clusteredTest.method).toContain('drawn by prompt (3 prompts)');
    expect(ranking.clusteredTest.pValue).toBeGreaterThan(0);
    expect(notes).toEqual([
      'common examples share prompts (3 for 8 examples): what takes them for independent says so and claims too much',
    ]);
  });

  it('knows the prompts by either run, and takes examples apart where neither tells', async () => {
    const fields = 'correctness { difference { interval } clusteredTest { pValue } } notes';
    const known = await compare('a: "n/3", b: "n/1"', fields);
    expect(known.correctness.difference.interval).toContain('(4 prompts)');
    const unknown = await compare('a: "n/3", b: "n/3"', fields);
    expect(unknown).toMatchObject({ correctness: { clusteredTest: null }, notes: [] });
    const chosen = await compare('a: "l/chosen", b: "l/chosen"', fields);
    expect(chosen.notes).toEqual([]);
    const written = await compare('a: "l/chosen", b: "l/written"', fields);
    expect(written.correctness).toEqual({
      difference: { interval: expect.stringContaining('(1 prompts)') },
      clusteredTest: { pValue: null },
    });
  });

  it('does not compare AUROCs of different labels', async () => {
    const found = await compare('a: "h/1", b: "h/relabelled"', 'labelsDiffer ranking { n } notes');
    expect(found).toMatchObject({ labelsDiffer: 1, ranking: null });
    expect(found.notes).toContain('no AUROCs: they are comparable only on equal labels');
  });

  it('keeps the filters of lm-eval apart', async () => {
    const found = await compare(
      'a: "l/1", b: "l/2"',
      'common correctness { n } scopes { scope onlyBRight } notes',
    );
    expect(found).toEqual({
      common: 2,
      correctness: null,
      scopes: [
        { scope: 'filter:flexible', onlyBRight: 1 },
        { scope: 'filter:strict', onlyBRight: 0 },
      ],
      notes: ['no overall correctness: an example counts once in every scope'],
    });
  });

  it('keeps the layers of function vectors apart', async () => {
    const found = await compare(
      'a: "v/1", b: "v/2"',
      'common repeated correctness { n } scopes { scope onlyBRight } flips { exampleId scope }',
    );
    expect(found).toEqual({
      common: 2,
      repeated: 0,
      correctness: null,
      scopes: [
        { scope: 'layer:2', onlyBRight: 0 },
        { scope: 'layer:10', onlyBRight: 1 },
      ],
      flips: [{ exampleId: 'd', scope: 'layer:10' }],
    });
  });

  it.each([
    ['a: "c/1", b: "nowhere"', 'RUNS_NOT_COMPARABLE', 'no run nowhere'],
    ['a: "c/1", b: "h/1"', 'RUNS_NOT_COMPARABLE', 'CHAOSBENCH'],
    ['a: "l/1", b: "l/task"', 'RUNS_NOT_COMPARABLE', 'on another'],
    ['a: "c/1", b: "c/other"', 'RUNS_NOT_COMPARABLE', 'no example in common'],
    ['a: "c/1", b: "c/2", confidence: 1', 'INVALID_ARGUMENT', 'confidence'],
    ['a: "c/1", b: "c/2", resamples: 0', 'INVALID_ARGUMENT', 'resamples'],
    ['a: "c/1", b: "c/2", seed: -1', 'INVALID_ARGUMENT', 'seed'],
    ['a: "c/1", b: "c/2", first: -1', 'BAD_USER_INPUT', 'first'],
    ['a: "c/1", b: "c/2", after: "x"', 'BAD_CURSOR', 'after'],
  ])('refuses %s', async (args, code, message) => {
    const { errors } = await answer(`{ compareRuns(${args}) { common } }`);
    expect(errors[0].extensions.code).toBe(code);
    expect(errors[0].message).toContain(message);
    expect(lake.held).toBe(0);
  });

  it('refuses more examples than rows are allowed', async () => {
    const small = await createServer({ reader: lake, config: { limits: { rows: 3 } } });
    const payload = { query: '{ compareRuns(a: "c/1", b: "c/2") { common } }' };
    const { errors } = (await small.inject({ method: 'POST', url: '/graphql', payload })).json();
    expect(errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'rows' });
    await small.close();
  });

  it('tells its cost', async () => {
    const { data } = await answer(
      `{ explainCost(query: "{ compareRuns(a: \\"c/1\\", b: \\"c/2\\") { common } }") { tables { table } statements } }`,
    );
    expect(data.explainCost.tables).toEqual([
      { table: 'runs' },
      { table: 'predictions' },
      { table: 'generations' },
    ]);
  });
});
