import { afterEach, describe, expect, test } from 'vitest';
import { type CollectedRun, readRuns, temporaryTree } from '../../../testing.ts';
import { recipeExampleId } from '../identity.ts';
import { HALLULENS } from '../index.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

const ROOT = 'output/some_task/Model-1B';
const jsonl = (records: readonly unknown[]) => records.map((r) => `${JSON.stringify(r)}\n`).join('');
const rows = [0, 1, 2, 3].map((i) => ({
  prompt: `p${i}`,
  question: `q${i}`,
  generation: `g${i}`,
  answer: 'a',
}));

async function read(files: Record<string, unknown>, lenient = false): Promise<CollectedRun> {
  const texts = Object.entries({ 'generation.jsonl': jsonl(rows), ...files }).map(([name, content]) => [
    `${ROOT}/${name}`,
    typeof content === 'string' ? content : JSON.stringify(content),
  ]);
  const tree = temporaryTree(Object.fromEntries(texts.filter(([, text]) => text !== '')));
  trees.push(tree);
  return (await readRuns(HALLULENS, tree.path, { lenient })).get(ROOT)!;
}

const labels = (run: CollectedRun) =>
  run.sink.table('generations').map((row) => [row['halu'], row['abstained'], row['label_source']]);
const codes = (run: CollectedRun) => run.sink.issues.map(({ severity, code }) => `${severity} ${code}`);

const positional = {
  halu_test_res: [true, false, true, false],
  abstantion: [false, false, true, false],
  evaluator_hallucination: 'judge',
  prompt: rows.map((row) => row.prompt),
  generation: rows.map((row) => row.generation),
};

describe('evaluations of an output tree', () => {
  test('aggregates only, with the arrays for training beside them', async () => {
    const run = await read({
      'eval_results.json': { model: 'M', halu_Rate: 1 / 3, correct_rate: 0.5, total_count: 4 },
      'eval_results_for_training.json': positional,
    });
    expect(codes(run)).toEqual([]);
    expect(labels(run)).toEqual([
      [true, false, 'judge'],
      [false, false, 'judge'],
      [true, true, 'judge'],
      [false, false, 'judge'],
    ]);
    const rates = run.sink.table('metrics').filter((row) => row['metric'] === 'halu_Rate');
    expect(rates.map((row) => [row['source'], row['value']])).toEqual([
      ['reported', 1 / 3],
      ['recomputed', 1 / 3],
    ]);
    expect(run.summary.columns.model_id).toBe('M');
  });

  test('a second opinion by an LLM judge is kept beside the first', async () => {
    const run = await read({
      'eval_results.json': positional,
      'eval_results_llm.json': {
        ...positional,
        halu_test_res: [true, true, true, true],
        llm_judge_raw: ['a', 'b', 'c', 'd'],
        halu_Rate: 0.9,
      },
    });
    const [first, second] = run.sink.table('generations');
    expect(JSON.parse(String(first!['extra']))).toMatchObject({
      llm_judge: { halu: true, abstained: false },
    });
    expect([second!['halu'], JSON.parse(String(second!['extra'])).llm_judge.halu]).toEqual([false, true]);
    const metrics = run.sink.table('metrics').filter((row) => row['metric'] === 'llm_halu_Rate');
    expect(metrics.map((row) => row['value'])).toEqual([0.9, 1]);
    expect(codes(run)).toEqual(['warning METRIC_MISMATCH']);
  });

  test('only the LLM judge', async () => {
    const run = await read({ 'eval_results_llm.json': positional, 'eval_results.json': '' });
    expect(labels(run).map(([halu]) => halu)).toEqual([true, false, true, false]);
  });

  test('an evaluation that broke off: the judge must have said exactly correct or yes', async () => {
    const run = await read({
      'halu_eval_raw.jsonl': jsonl(['Correct', 'Correct.', 'YES', ' yes'].map((eval_res) => ({ eval_res }))),
      'abstain_eval_raw.jsonl': jsonl(
        ['{"is_abstaining":true}', 'no json', '{"is_abstaining":false}', '{}'].map((eval_res) => ({
          eval_res,
        })),
      ),
    });
    expect(labels(run)).toEqual([
      [false, true, 'llm_judge'],
      [true, null, 'llm_judge'],
      [false, false, 'llm_judge'],
      [true, null, 'llm_judge'],
    ]);
  });

  test('raw results are checked against what they evaluated', async () => {
    const raw = rows.map(({ question, generation }, i) => ({
      question,
      generation: i === 2 ? 'another' : generation,
      is_correct: 0,
      is_hallucination: true,
      is_abstaining: false,
    }));
    const run = await read({ 'raw_eval_res.jsonl': jsonl(raw) });
    expect(labels(run).map(([halu]) => halu)).toEqual([true, true, null, true]);
    expect(run.sink.issues).toMatchObject([{ severity: 'warning', code: 'EVAL_ROW_MISMATCH', line: 3 }]);
    expect(run.summary.accepted).toBe(true);
  });

  test('labels that can be checked may be too few; labels that cannot are an error', async () => {
    const short = {
      ...positional,
      halu_test_res: [true, false],
      prompt: ['p0', 'p1'],
      generation: ['g0', 'g1'],
    };
    const checked = await read({ 'eval_results.json': { ...short, abstantion: [false, false] } });
    expect(codes(checked)).toEqual(['warning EVAL_LENGTH_MISMATCH']);
    expect(labels(checked).map(([halu]) => halu)).toEqual([true, false, null, null]);
    const refusals = { model: 'M', false_acceptance_rate: 0.5, refusal_rate: 0.5, refusal_eval_raw: [true] };
    const blind = await read({ 'eval_results.json': refusals });
    expect(codes(blind)).toEqual(['error EVAL_LENGTH_MISMATCH']);
    expect(blind.summary.accepted).toBe(false);
    const forgiven = await read({ 'eval_results.json': refusals }, true);
    expect(forgiven.summary.accepted).toBe(true);
  });

  test('an unknown shape keeps its numbers and labels nothing', async () => {
    const run = await read({ 'eval_results.json': { score: 0.25, note: 'n', list: [1] } });
    expect(codes(run)).toEqual(['warning UNKNOWN_EVAL_SHAPE']);
    expect(run.sink.table('metrics').map((row) => [row['metric'], row['value']])).toEqual([['score', 0.25]]);
    expect(JSON.parse(run.summary.columns.manifest!).runlake.eval_results).toEqual({ note: 'n' });
    expect(run.summary.columns.status).toBe('partial');
  });

  test('no evaluation yet', async () => {
    const run = await read({});
    expect(run.summary.columns.status).toBe('partial');
    expect(labels(run)[0]).toEqual([null, null, null]);
  });
});

describe('generations of an output tree', () => {
  test('a repeated prompt is kept, with an id of its own', async () => {
    const run = await read({ 'generation.jsonl': jsonl([rows[0], rows[1], rows[0], rows[0]]) });
    const id = recipeExampleId('some_task', '', 'p0', 'Model-1B', null);
    const ids = run.sink.table('generations').map((row) => row['example_id']);
    expect([ids[0], ids[2], ids[3]]).toEqual([id, `${id}_1`, `${id}_2`]);
    expect(run.sink.issues.map(({ code, line }) => [code, line])).toEqual([
      ['DUPLICATE_PROMPT', 3],
      ['DUPLICATE_PROMPT', 4],
    ]);
  });

  test('bare NaN, unknown columns and a torn last line', async () => {
    const text = `{"prompt": "p", "answer": NaN, "mine": [1], "generation": "g"}\n{"prompt": "q", "gen`;
    const run = await read({ 'generation.jsonl': text }, true);
    expect(codes(run)).toEqual(['warning TRUNCATED_LAST_LINE', 'info JSON_NAN_LITERAL']);
    const [row] = run.sink.table('generations');
    expect(row!['reference']).toBe('{"answer":"NaN"}');
    expect(JSON.parse(String(row!['extra']))).toEqual({
      mine: [1],
      example_id_kind: 'recipe',
      activation_link: 'prompt_hash',
    });
  });

  test('an evaluation without generations is no run', async () => {
    const run = await read({ 'generation.jsonl': '', 'eval_results.json': positional });
    expect(codes(run)).toEqual(['error MISSING_FILE']);
  });
});
