import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobService } from '../../compute/jobs/job-service.ts';
import { createServer } from '../../graphql/server.ts';
import { auroc, rankScores } from '../../ingest/stats/index.ts';
import { Exporter } from '../../lake/export/exporter.ts';
import { demoReference } from '../../test/support/demo-model.ts';
import { pythonHas, runPython } from '../../test/support/python.ts';
import { type TaskLake, taskLake } from '../../test/support/task-lake.ts';
import { compileScript } from '../../test/support/ts-script.ts';
import { browserMissing } from '../../test/web/chromium.ts';
import { stage } from '../../test/web/stage.ts';
import { modelsOf } from '../models.ts';
import { showDemo } from './demo.ts';
import { launchDemo } from './launch.ts';
import { type DemoStep, demoSteps, inCheckout } from './steps.ts';
import { TOUR } from './tour.ts';

/** The demo without most of what is there for intervals and curves. */
async function smallSteps(date: string): Promise<readonly DemoStep[]> {
  const small: Readonly<Record<string, object>> = {
    greedy: {},
    evaluation: {},
    letters: {},
    'letters-baseline': {},
    'function-vectors': { queries: ['antonym'], trials: 5 },
    probe: { seeds: [0], regularisation: [0.1], resamples: 100, shuffles: 1, layers: [2, 6] },
  };
  const steps = await demoSteps(date);
  return steps
    .filter(({ name }) => name in small)
    .map((step) => ({ ...step, spec: { ...step.spec, ...small[step.name] } }));
}

const { signal } = new AbortController();

describe('the demo in an empty lake', () => {
  let host: string;
  let home: TaskLake;
  let ids: string[];
  const lines: string[] = [];

  beforeAll(async () => {
    host = await compileScript(new URL('../../compute/model/engine/host.ts', import.meta.url));
    home = await taskLake({}, { modelHost: host });
    const { jobs, lake } = home;
    ids = (await interrupted(home)).map(({ job }) => job.id);
    const tell = (_: object, message: string) => void lines.push(message);
    const logger = { info: tell, warn: tell, error: tell };
    const shown = showDemo({ jobs, lake, url: 'http://lake/graphql', logger, signal });
    await home.drain();
    await shown;
  });
  afterAll(async () => {
    await home.remove();
  });

  /** Launches it twice: the first time it breaks off after two jobs. */
  async function interrupted({ jobs, lake }: TaskLake) {
    let submitted = 0;
    const breaking = new JobService(jobs.queue, lake.store, [...jobs.tasks.values()]);
    const submit = breaking.submit.bind(breaking);
    breaking.submit = (...request) => {
      if (submitted++ === 2) throw new Error('killed');
      return submit(...request);
    };
    await expect(launchDemo(breaking, lake, signal, smallSteps)).rejects.toThrow('killed');
    const before = (await jobs.queue.list({ limit: 10 })).map(({ id }) => id);
    const launched = await launchDemo(jobs, lake, signal, smallSteps);
    expect(launched?.map(({ job }) => job.id)).toEqual(expect.arrayContaining(before));
    expect(before).toHaveLength(2);
    return launched ?? [];
  }

  it('is told from the jobs to the queries', async () => {
    const jobs = await home.jobs.queue.list({ limit: 10 });
    expect(jobs.map(({ id, state }) => [id, state])).toEqual(ids.map((id) => [id, 'completed']).reverse());
    expect(lines[0]).toMatch(/\n {2}1 {2}greedy .*\n {2}2 {2}evaluation /);
    expect(lines).toContainEqual(expect.stringMatching(/^demo 1\/6 greedy: completed in [\d.]+ s$/));
    expect(lines.at(-1)).toContain('the demo is in the lake');
    for (const path of TOUR) expect(lines.at(-1)).toContain(path);
    expect(home.reports.flatMap(({ runs }) => runs.flatMap(({ issues }) => issues))).toEqual([]);
  });

  it('answers its questions as transformers does, with the numbers of the model card', async () => {
    const { hallucination: expected } = demoReference();
    const answers = z
      .array(
        z.object({
          q_id: z.string(),
          kind: z.enum(['fact', 'nonsense']),
          known: z.string(),
          greedy: z.string(),
          halu: z.boolean(),
          logprob: z.number(),
        }),
      )
      .parse(
        await home.sql(`
          SELECT g.extra->>'$.source.q_id' AS q_id, g.extra->>'$.source.kind' AS kind, g.extra->>'$.source.known' AS known,
            trim(response) AS greedy, halu, t.logprob
          FROM generations g JOIN run_stores s USING (run_id) JOIN tokens t USING (store_id, activation_key)
          WHERE g.run_id LIKE '%/mean_logprob/%' ORDER BY source_line, t.token_index`),
      )
      // The first token of each.
      .filter(({ q_id }, i, all) => all[i - 1]?.q_id !== q_id);
    expect(answers.map(({ q_id, greedy, halu }) => ({ q_id, greedy, correct: !halu }))).toEqual(
      expected.answers,
    );
    const share = (of: typeof answers, is: (answer: (typeof answers)[number]) => boolean) =>
      of.filter(is).length / of.length;
    const [facts, nonsense] = (['fact', 'nonsense'] as const).map((kind) => {
      const known = (value: string) => answers.filter((a) => a.kind === kind && a.known === value);
      return { known: known('true'), unknown: known('false') };
    });
    const isCorrect = ({ halu }: { halu: boolean }) => !halu;
    const abstains = ({ greedy }: { greedy: string }) => greedy === 'I do not know';
    expect(share(answers, isCorrect)).toBeCloseTo(expected.correct_share, 6);
    expect(share(facts!.known, isCorrect)).toBeCloseTo(expected.known_facts_correct, 6);
    expect(share(facts!.unknown, isCorrect)).toBeCloseTo(expected.unknown_facts_correct, 6);
    expect(share(facts!.unknown, abstains)).toBeCloseTo(expected.unknown_facts_abstained, 6);
    expect(share(nonsense!.known, abstains)).toBeCloseTo(expected.nonsense_trained_abstained, 6);
    expect(share(nonsense!.unknown, abstains)).toBeCloseTo(expected.nonsense_untrained_abstained, 6);
    const detector = (of: typeof answers) =>
      auroc(
        rankScores(
          of.map(({ logprob }) => -logprob),
          of.map(({ halu }) => Number(halu)),
        ),
      );
    expect(detector(answers)).toBeCloseTo(expected.auroc_first_token_probability_all, 3);
    const all = answers.filter(({ kind }) => kind === 'fact');
    expect(detector(all)).toBeCloseTo(expected.auroc_first_token_probability_facts, 3);
  });

  it('has the residual stream of every question after every block', async () => {
    expect(
      await home.sql(`SELECT layer::INT AS layer, count(*)::INT AS n, min(token_selector) AS selector FROM activations
        GROUP BY layer ORDER BY layer`),
    ).toEqual([1, 2, 3, 4, 5, 6].map((layer) => ({ layer, n: 598, selector: 'last' })));
  });

  it('has labels that know abstentions', async () => {
    const [row] = await home.sql(
      `SELECT count(*) FILTER (abstained)::INT AS abstained, count(*) FILTER (abstained AND halu)::INT AS wrong
       FROM generations WHERE run_id LIKE '%/mean_logprob_normalized_exact/%'`,
    );
    const declined = demoReference().hallucination.answers.filter(({ greedy }) => greedy === 'I do not know');
    expect(row).toEqual({ abstained: declined.length, wrong: 0 });
  });

  it('answers the queries of the tour, and takes the mutation of an example', async () => {
    const app = await createServer({ reader: home.lake, jobs: home.jobs });
    const ask = async (query: string): Promise<unknown> =>
      (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json();
    const read = (path: string) => readFileSync(inCheckout(path), 'utf8');
    const [surest, detectors, letters, curve] = await Promise.all(TOUR.map(read).map(ask));
    const [, mutation = ''] = /```graphql\n(.*?)```/s.exec(read('examples/chaosbench/README.md')) ?? [];
    expect(await ask(mutation)).toMatchObject({ data: { launchChaosEval: { id: expect.any(String) } } });
    await home.drain();
    expect(home.reports.at(-1)!.runs).toMatchObject([{ runId: 'main/chaosbench/letters/coin', issues: [] }]);
    await app.close();
    expect(surest).toMatchObject({
      data: { predictions: { nodes: [{ generation: { activations: [{ layer: 4 }] } }, {}, {}] } },
    });
    expect(detectors).toMatchObject({
      data: {
        detectors: expect.arrayContaining([
          expect.objectContaining({ method: 'mean_logprob', n: 1 }),
          expect.objectContaining({ method: 'layer_sweep', n: 1 }),
        ]),
        probeByLayer: expect.arrayContaining([expect.objectContaining({ scope: 'layer:2' })]),
      },
    });
    expect(letters).toMatchObject({
      data: {
        evaluations: { nodes: [{ verdict: 'EXPLORATORY' }, { verdict: 'EXPLORATORY' }] },
        compareRuns: {
          common: 56,
          correctness: { n: 35, onlyARight: 1, onlyBRight: 17 },
          scopes: expect.arrayContaining([expect.objectContaining({ scope: 'family:last_letter', n: 24 })]),
        },
      },
    });
    const point = z.object({ layer: z.int(), baseline: z.number().optional(), with: z.number() });
    const { data } = z.object({ data: z.record(z.string(), z.array(point)) }).parse(curve);
    expect(Object.keys(data)).toEqual(['functionVector', 'randomVector', 'otherRelation']);
    for (const points of Object.values(data))
      expect(points.map(({ layer }) => layer)).toEqual([0, 1, 2, 3, 4, 5]);
    const accuracyWith = (name: string) => data[name]![2]!.with;
    expect(accuracyWith('functionVector')).toBeGreaterThan(data['functionVector']![2]!.baseline! + 0.5);
    expect(accuracyWith('randomVector')).toBeLessThan(0.4);
    expect(accuracyWith('otherRelation')).toBeLessThan(0.2);
  });

  it('has something to show for every example of the docs', async () => {
    const app = await createServer({
      reader: home.lake,
      jobs: home.jobs,
      exporter: new Exporter(home.lake),
      models: modelsOf(home.lake),
    });
    const [{ day }] = z
      .tuple([z.object({ day: z.string() })])
      .parse(await home.sql("SELECT DISTINCT run_date::VARCHAR AS day FROM runs WHERE family = 'HALLULENS'"));
    const examples = (path: string, language: string) =>
      [...readFileSync(inCheckout(path), 'utf8').matchAll(/```(\w+)\n(.*?)```/gs)]
        .filter(([, of]) => of === language)
        .map(([, , text = '']) => text.replaceAll('2026-11-22', day));
    const documents = [
      ...examples('README.md', 'graphql').slice(0, 1),
      ...examples('docs/graphql.md', 'graphql'),
      ...examples('docs/export.md', 'graphql'),
    ];
    const answers = await Promise.all(
      documents.map(async (query) =>
        (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json(),
      ),
    );
    await app.close();
    expect(answers.flatMap(({ errors = [] }) => errors)).toEqual([]);
    const fields = answers.flatMap(({ data }) => Object.entries(data));
    expect(fields.length).toBeGreaterThan(15);
    const isEmpty = (value: unknown) => /^(null|\[\]|\{"nodes":\[\])/.test(JSON.stringify(value));
    // The demo has no entropy run.
    expect(fields.filter(([, value]) => isEmpty(value))).toEqual([['entropyComparison', null]]);
    const [nearest, difference] = await Promise.all(
      examples('docs/graphql.md', 'sql').map((sql) => home.sql(sql)),
    );
    expect(nearest).toHaveLength(5);
    const layers = fields.find(([field]) => field === 'differenceOfMeans')?.[1];
    const norms = z.array(z.object({ layer: z.int(), norm: z.number() })).parse(layers);
    expect(difference).toMatchObject([
      { norm: expect.closeTo(norms.find(({ layer }) => layer === 4)!.norm, 10) },
    ]);
  });

  describe.skipIf(browserMissing)('in the explorer', () => {
    const the = stage({ home: () => home });

    it('is told in words and plots on the first page', async () => {
      const { page, origin } = the;
      await page.goto(origin);
      const told = [
        /^The best of 3 methods, mean_logprob, reaches an AUROC of 0\.98/,
        /^A probe of the activations does best at layer \d: .* Without activations, .* which no layer does/,
        /^Head \d of block \d carries most: .* of 48 heads lie in block/,
        /^Adding it behind block \d raises zero-shot accuracy on held-out pairs from \d.* to \d\d/,
        /^34 of 35 answers are right .* to 21 of 56 questions there is none/,
      ];
      for (const text of told) await page.getByText(text).waitFor();
      const plots = [
        /^AUROC by method/,
        /^AUROC by layer/,
        /^Average indirect/,
        /^Adding the/,
        /^Accuracy by/,
      ];
      for (const name of plots) await page.getByRole('img', { name }).waitFor();
      await expect.poll(() => page.getByRole('link', { name: /^Question: / }).count()).toBe(3);
      expect(await the.sideways()).toBeLessThanOrEqual(0);
      expect(await the.barriers()).toEqual([]);
    });
  });

  it.skipIf(!pythonHas('requests', 'pandas', 'matplotlib', 'nbclient', 'ipykernel', 'torch', 'transformers'))(
    'is what the notebooks show, whose inference gives the numbers of transformers',
    async () => {
      const app = await createServer({
        reader: home.lake,
        jobs: home.jobs,
        exporter: new Exporter(home.lake),
      });
      // It says that its job is running: nobody begins with that before it looks on.
      let looksOn = false;
      app.addHook('onRequest', async ({ url: path }) => {
        looksOn ||= path === '/graphql/stream';
      });
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      const [shown, answers] = [join(home.directory, 'notebooks.json'), join(home.directory, 'answers.json')];
      const names = ['01_query_and_plot', '02_launch_inference', '03_function_vectors', '04_probe_by_layer'];
      const checkpoint = inCheckout('models/demo/checkpoint');
      const environment = { RUNLAKE_URL: url, CHECKPOINT: checkpoint, OUT: answers, LIMIT: '36' };
      let going = true;
      const executed = runPython(
        inCheckout('test/interop/run_notebooks.py'),
        [shown, ...names.map((name) => inCheckout(`examples/notebooks/${name}.ipynb`))],
        environment,
      ).finally(() => {
        going = false;
      });
      // The worker that does what a notebook launches.
      while (going) {
        if (looksOn) await home.drain();
        await sleep(50);
      }
      await executed;
      await app.close();
      const results = z
        .record(z.string(), z.object({ plots: z.int(), texts: z.array(z.string()) }))
        .parse(JSON.parse(readFileSync(shown, 'utf8')));
      expect(names.map((name) => results[`${name}.ipynb`]?.plots)).toEqual([2, 0, 2, 2]);
      expect(results['02_launch_inference.ipynb']?.texts.join('\n')).toMatch(
        /^RUNNING[\s\S]*^COMPLETED [\s\S]*36 answers, \d+ of them wrong/m,
      );
      expect(
        JSON.parse(await runPython(inCheckout('test/interop/notebook_check.py'), [checkpoint, answers])),
        // Two layers, at the last token of the prompt and of the response.
      ).toMatchObject({ examples: 36, responses: 36, labels: 36, vectors: 144, close: true });
    },
  );

  it('is not begun again, nor in a lake with other runs', async () => {
    const { jobs, lake } = home;
    const before = await jobs.queue.count();
    const again = await launchDemo(jobs, lake, signal, smallSteps);
    expect(again?.map(({ job }) => job.id)).toEqual(ids);
    const said: string[] = [];
    const tell = (_: object, message: string) => void said.push(message);
    await showDemo({ jobs, lake, url: '', logger: { info: tell, warn: tell, error: tell }, signal });
    expect(said).toEqual([]);
    await lake.store.delete(['demo/jobs.json']);
    expect(await launchDemo(jobs, lake, signal)).toBeUndefined();
    expect(await jobs.queue.count()).toBe(before);
  });
});
