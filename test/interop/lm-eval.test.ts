import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { LM_EVAL } from '../../ingest/families/lm-eval/index.ts';
import { findRuns, type MemorySink, memorySink } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';

/** What `lm_eval_outputs.py` let lm-evaluation-harness 0.4.13 write. */
const fixtures = fileURLToPath(new URL('../fixtures/lm-eval', import.meta.url));

describe('what lm-evaluation-harness wrote', () => {
  const runs: { id: string; kind: string; accepted: boolean; seed: unknown; sink: MemorySink }[] = [];
  const run = (task: string, seed: number) =>
    runs.find(({ id, seed: of }) => id.endsWith(`/${task}`) && of === seed)!;
  const count = (table: string) =>
    Object.fromEntries(
      runs
        .filter(({ seed }) => seed === 1)
        .map(({ id, sink }) => [id.split('/').at(-1), sink.table(table).length]),
    );

  beforeAll(async () => {
    const context = { tree: { store: new LocalStore('/'), prefix: fixtures.slice(1) }, lenient: false };
    for (const candidate of await findRuns(LM_EVAL, context.tree)) {
      const sink = memorySink(LM_EVAL, context);
      const { accepted, columns } = await LM_EVAL.read(candidate, sink, context);
      runs.push({ id: candidate.runId, kind: candidate.kind, accepted, seed: columns.seed, sink });
    }
  });

  it('is thirteen runs: six of each seed with samples, one without', () => {
    expect(runs.map(({ id, kind, seed }) => `${kind} ${id.split('/').at(-1)} ${seed}`).sort()).toEqual(
      [
        ...[1, 2].flatMap((seed) => [
          `group geography ${seed}`,
          ...['cloze', 'places', 'places_far', 'prose', 'sums'].map((task) => `task ${task} ${seed}`),
        ]),
        'task sums 3',
      ].sort(),
    );
    expect(runs.every(({ accepted }) => accepted)).toBe(true);
  });

  it('holds what it says: hashes, counts, means and standard errors come out the same', () => {
    expect(
      runs.flatMap(({ id, sink }) => sink.issues.map(({ code }) => `${id.split('/').at(-1)} ${code}`)),
    ).toEqual(['sums NO_SAMPLES']);
    for (const { id, kind, seed, sink } of runs) {
      const values = (source: string) =>
        sink
          .table('metrics')
          .filter((row) => row['source'] === source)
          .map((row) => [`${row['scope']} ${row['metric']}`, Number(row['value'])] as const);
      const recomputed = new Map(values('recomputed'));
      for (const [name, value] of values('reported')) {
        const isBootstrapped = name === 'overall perplexity_stderr';
        if (kind === 'group' || seed === 3 || isBootstrapped) expect(recomputed.has(name)).toBe(false);
        else expect(recomputed.get(name), `${id} ${name}`).toBeCloseTo(value, 12);
      }
    }
  });

  it('has a generation a document and a prediction a document and filter', () => {
    const documents = { cloze: 6, places: 6, places_far: 4, prose: 6, sums: 5, geography: 0 };
    expect(count('generations')).toEqual(documents);
    expect(count('predictions')).toEqual({ ...documents, sums: 10 });
  });

  it('agrees with the harness on what is correct', () => {
    for (const task of ['places', 'places_far', 'cloze', 'sums']) {
      for (const { sink } of [run(task, 1), run(task, 2)]) {
        for (const row of sink.table('predictions')) {
          if (task !== 'cloze') expect(row['correct']).toBe(row['pred_label'] === row['true_label']);
          expect(row['correct']).not.toBeNull();
        }
      }
    }
  });
});
