import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fvTaskWith } from '../../compute/tasks/fv/fv.ts';
import { fvSpec } from '../../compute/tasks/fv/spec.ts';
import { openHere } from '../../compute/tasks/fv/testing.ts';
import { FV } from '../../ingest/families/fv/index.ts';
import { findRuns, memorySink } from '../../ingest/testing.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { filesBelow, runWithoutLake, startedStore } from '../support/fv-task.ts';
import { pythonHas, runPython } from '../support/python.ts';

const script = fileURLToPath(new URL('../support/fv_reference.py', import.meta.url));

const RELATION = `id,ex_A,ex_B
opposite,hot,cold
opposite,big,small
opposite,up,down
opposite,fast,slow
opposite,light,dark
opposite,good,bad
opposite,high,low
opposite,wet,dry
animal,dog,bark
animal,cat,meow
animal,cow,moo
animal,duck,quack
animal,lion,roar
animal,pig,oink
animal,owl,hoot
animal,bee,buzz
`;

const settings = {
  q: 'opposite',
  // The one after it, the first after the last.
  other: 'animal',
  trials: 4,
  demos: 3,
  topk: 3,
  seed: 7,
  alpha: 1.5,
  n_eval: 3,
  held_out: 2,
  random_vectors: 2,
  random_heads: 1,
};

const reading = z.tuple([z.number(), z.number(), z.number(), z.int()]);
const referenceSchema = z.object({
  prompts: z.array(z.string()),
  deltas: z.record(z.string(), z.array(z.number())),
  dla: z.record(z.string(), z.number()),
  dla_clean: z.record(z.string(), z.number()),
  aie: z.record(z.string(), z.number()),
  ranked: z.array(z.tuple([z.int(), z.int()])),
  vector: z.array(z.number()),
  norm: z.number(),
  injections: z.record(z.string(), z.tuple([z.string(), reading, reading])),
});

const number = (row: Row, name: string) => Number(row[name]);
const place = (row: Row) => `${row['layer']}.${row['head']}`;

function close(value: number, expected: number, tolerance: number, what = ''): void {
  expect(Math.abs(value - expected), `${what}: ${value}, expected ${expected}`).toBeLessThan(tolerance);
}

describe.skipIf(!pythonHas('torch', 'transformers', 'tokenizers'))(
  'function vectors beside plain PyTorch',
  () => {
    let folder = '';
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'runlake-fv-'));
      await writeFile(join(folder, 'pairs.csv'), RELATION);
      await runPython(script, [folder, join(folder, 'pairs.csv'), JSON.stringify(settings)]);
      // Loading torch and transformers takes long on a busy machine.
    });
    afterAll(() => rm(folder, { recursive: true }));

    const everything = {
      heldOut: settings.held_out,
      randomVectors: settings.random_vectors,
      randomHeads: settings.random_heads,
      otherQuery: true,
      distributed: true,
      attribution: true,
    };

    /** The store after a job. */
    async function ran(architecture: string, additions: object) {
      const path = join(folder, architecture);
      const store = await startedStore();
      const task = fvTaskWith(await openHere(path), async () => new Uint8Array());
      const spec = fvSpec.parse({
        model: { path, memoryBytes: 4e6 },
        relation: join(folder, 'pairs.csv'),
        queries: [settings.q],
        trials: settings.trials,
        demos: settings.demos,
        topk: settings.topk,
        seed: settings.seed,
        alpha: settings.alpha,
        evalExamples: settings.n_eval,
        additions,
      });
      await runWithoutLake(task, store, spec);
      return store;
    }

    // GPT-2 has biases, a layer norm and no BOS; this Llama has fewer key and value heads and a head size of its own.
    it.each(['gpt2', 'llama'])(
      '%s: trials, effects, ranking, vectors, attributions, injections, controls',
      async (architecture) => {
        const expected = referenceSchema.parse(
          JSON.parse(readFileSync(join(folder, `${architecture}.json`), 'utf8')),
        );
        const tree = { store: await ran(architecture, everything), prefix: 'jobs/job/runs' };
        const [candidate] = await findRuns(FV, tree);
        const sink = memorySink(FV, { tree, lenient: false });
        const { columns } = await FV.read(candidate!, sink, { tree, lenient: false });
        expect(sink.issues).toEqual([]);
        expect(columns.status).toBe('completed');

        const prompts = sink
          .table('generations')
          .filter((row) => String(row['example_id']).includes('/trial/'));
        expect(prompts.map((row) => row['prompt'])).toEqual(expected.prompts);

        const trials = sink.table('fv_trials');
        expect(trials).toHaveLength(Object.keys(expected.deltas).length);
        for (const row of trials) {
          const key = `${place(row)}.${row['trial_idx']}`;
          const [p, logit, logprob] = expected.deltas[key]!;
          close(number(row, 'delta_p'), p!, 1e-6, key);
          close(number(row, 'delta_logit'), logit!, 1e-4, key);
          close(number(row, 'delta_logprob'), logprob!, 1e-4, key);
          close(number(row, 'dla'), expected.dla[key]!, 1e-4, key);
          close(number(row, 'dla_clean'), expected.dla_clean[key]!, 1e-4, key);
        }
        const heads = sink.table('fv_heads').toSorted((a, b) => number(a, 'rank') - number(b, 'rank'));
        expect(heads.map((row) => [row['layer'], row['head']])).toEqual(expected.ranked);
        for (const row of heads) {
          close(number(row, 'mean_delta_p'), expected.aie[place(row)]!, 2e-7);
          const own = trials.filter((trial) => place(trial) === place(row));
          close(
            number(row, 'dla'),
            own.reduce((sum, trial) => sum + number(trial, 'dla') / own.length, 0),
            1e-9,
          );
        }

        const [vector] = sink.table('fv_vectors').filter(({ kind }) => kind === 'fv_global_resid');
        close(number(vector!, 'norm') / expected.norm, 1, 1e-5);
        const values = z.instanceof(Float32Array).parse(vector!['vector']);
        for (const [i, value] of expected.vector.entries()) close(values[i]!, value, 1e-5);

        const injected = sink.table('fv_injection_trials');
        expect(injected).toHaveLength(Object.keys(expected.injections).length);
        for (const row of injected) {
          const draw = row['draw'] === null || row['draw'] === undefined ? '' : `/${row['draw']}`;
          const key = `${row['query_set']} ${row['vector_kind']}${draw} ${row['layer']} ${row['idx']}`;
          const [prompt, base, changed] = expected.injections[key] ?? [];
          expect(row['prompt'], key).toBe(prompt);
          expect([row['pred_id_base'], row['pred_id_with']], key).toEqual([base![3], changed![3]]);
          for (const [at, name] of ['p', 'logit', 'logprob'].entries()) {
            const tolerance = name === 'p' ? 1e-6 : 1e-4;
            close(number(row, `${name}_base`), Number(base![at]), tolerance, key);
            close(number(row, `${name}_with`), Number(changed![at]), tolerance, key);
          }
        }
        const sets = (of: readonly Row[]) =>
          new Set(of.map((row) => `${row['query_set']} ${row['vector_kind']}`));
        expect(sets(sink.table('fv_injections'))).toEqual(sets(injected));
        expect(sets(injected).size).toBe(10);
        const sources = injected
          .filter((row) => row['vector_kind'] === 'other_query')
          .map((row) => row['source_q_id']);
        expect(new Set(sources)).toEqual(new Set([settings.other]));
      },
    );

    it("leaves the contract's files as they are without additions", async () => {
      const base = 'jobs/job/runs/results_fv/relation_qwise/pairs/opposite/artifacts';
      const [all, plain] = await Promise.all(
        [everything, { heldOut: settings.held_out }].map(async (additions) =>
          filesBelow(await ran('gpt2', additions), base),
        ),
      );
      const own = /^(runlake|_resume)\/|^qid_status\.json$|_by_layer\b.*\.svg$/;
      const names = (files: ReadonlyMap<string, string>) =>
        [...files.keys()].filter((name) => !own.test(name));
      expect(names(all!)).toEqual(names(plain!));
      expect(names(all!).length).toBeGreaterThan(20);
      for (const name of names(all!)) expect(all!.get(name), name).toBe(plain!.get(name));
    });
  },
);
