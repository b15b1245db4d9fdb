import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import { GENERATIONS, METRICS, PREDICTIONS } from '../../../../lake/tables/tables.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { findRuns, memorySink, temporaryTree } from '../../../testing.ts';
import { HALLULENS } from '../index.ts';

const RUN = 'runs/2026-02-03/probe_v1/org__model/bench/seed_7';
const STORE = 'activations/bench/store';
const COUNT = 14;

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Gives files in pieces so small that no line lies within one: then every line is parsed. */
class SlicingStore extends LocalStore {
  override async *stream(...args: Parameters<LocalStore['stream']>): AsyncGenerator<Uint8Array> {
    for await (const chunk of super.stream(...args)) {
      for (let at = 0; at < chunk.length; at += 20) yield chunk.subarray(at, at + 20);
    }
  }
}

interface Line {
  readonly generation: JsonObject;
  readonly prediction: Record<string, string>;
}

function line(i: number): Line {
  const halu = i % 3 === 0;
  const score = ((i * 5) % COUNT) / COUNT;
  return {
    generation: {
      example_id: sha(`example ${i}`),
      benchmark: 'bench',
      split: i < 8 ? 'test' : 'train',
      seed: 7,
      model_id: 'org/model',
      prompt: `prompt "${i}"\n`,
      response: 'é'.repeat(i),
      reference: { answers: ['a', i], score: 1.0 },
      label: { halu, label_source: 'exact_match' },
      generation_params: { temperature: 0.7 },
      activation_key: sha(`prompt ${i}`),
      hashkey: sha(`prompt ${i}`),
    },
    prediction: {
      example_id: sha(`example ${i}`),
      score_halu: String(score),
      label_halu: halu ? '1' : '0',
      split: i < 8 ? 'test' : 'train',
      benchmark: 'bench',
      threshold: '0.5',
      pred_halu: score >= 0.5 ? '1' : '0',
      note: `n${i}`,
    },
  };
}

/** Things that happen to a line. */
const accident: fc.Arbitrary<(line: Line) => Line> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        ...[
          'example_id',
          'seed',
          'split',
          'benchmark',
          'model_id',
          'label',
          'timing',
          'abstained',
          'reference',
        ],
        ...['activation_key', 'hashkey', 'generation_params', 'response', 'extra'],
      ),
      fc.constantFrom(
        ...[
          undefined,
          null,
          '',
          'x',
          7,
          7.5,
          true,
          [],
          {},
          { halu: 1, label_source: 's', by: 'judge' },
          { t: 0.1 },
        ],
        ...[sha('example 1'), sha('prompt 2'), { halu: false, label_source: 's', abstained: true }],
      ),
    )
    .map(([name, value]) => ({ generation, prediction }: Line) => {
      const { [name]: _, ...others } = generation;
      const changed = value === undefined ? others : { ...generation, [name]: value };
      return { generation: changed, prediction };
    }),
  fc
    .tuple(
      fc.constantFrom(
        'example_id',
        'score_halu',
        'label_halu',
        'split',
        'benchmark',
        'threshold',
        'pred_halu',
        'note',
      ),
      fc.constantFrom(
        '',
        'x',
        '0',
        '1',
        '0.5',
        ' 0.25',
        'nan',
        '1e3',
        'True',
        'train',
        sha('example 1'),
        'é',
      ),
    )
    .map(([name, value]) => ({ generation, prediction }: Line) => ({
      generation,
      prediction: { ...prediction, [name]: value },
    })),
);

const files = fc
  .record({
    accidents: fc.array(fc.tuple(fc.nat(COUNT - 1), accident), { maxLength: 4 }),
    damage: fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 3 }),
    columns: fc.constantFrom('threshold', 'pred_halu', 'note', 'split', ''),
    unpredicted: fc.nat(2),
    hasStore: fc.boolean(),
  })
  .map(({ accidents, damage, columns, unpredicted, hasStore }) => {
    const lines = Array.from({ length: COUNT }, (_, i) =>
      accidents.reduce((found, [at, happen]) => (at === i ? happen(found) : found), line(i)),
    );
    const generations = Buffer.from(
      lines.map(({ generation }) => `${JSON.stringify(generation)}\n`).join(''),
    );
    if (damage !== null) generations[damage[0] % generations.length] = damage[1];
    const names = Object.keys(lines[0]!.prediction).filter((name) => name !== columns);
    const predictions = lines
      .slice(unpredicted)
      .map(({ prediction }) => names.map((name) => prediction[name]!));
    return { generations, predictions: [names, ...predictions], hasStore };
  });

type Files = typeof files extends fc.Arbitrary<infer T> ? T : never;

/** @param quote quoted fields are read one by one */
function tree({ generations, predictions, hasStore }: Files, quote: boolean) {
  const field = (text: string) => (quote ? `"${text}"` : text);
  const config = {
    benchmark: 'bench',
    split: 'test',
    method: 'probe_v1',
    seed: 7,
    model: { id: 'org/model', backend: 'hf' },
    inference: { max_tokens: 5, temperature: 0, top_p: 1, n: 1 },
    activation_logging: {
      enabled: hasStore,
      format: 'json_npy',
      path: STORE,
      layers: 'all',
      token_selector: 'all',
    },
  };
  const keys = Array.from({ length: COUNT - 1 }, (_, i) => sha(`prompt ${i}`));
  return temporaryTree({
    ...(hasStore && {
      [`${STORE}/metadata.jsonl`]: keys
        .map((key) => `${JSON.stringify({ key, has_activations: true })}\n`)
        .join(''),
    }),
    [`${RUN}/config.json`]: JSON.stringify(config),
    [`${RUN}/eval_metrics.json`]: '{"benchmark":"bench","split":"test","seed":7,"n_examples":8,"auroc":0.5}',
    [`${RUN}/generations.jsonl`]: generations,
    [`${RUN}/predictions.csv`]: predictions.map((fields) => `${fields.map(field).join(',')}\r\n`).join(''),
  });
}

async function read(files: Files, exact: boolean, lenient: boolean) {
  const { path, remove } = tree(files, exact);
  try {
    const store = exact ? new SlicingStore('/') : new LocalStore('/');
    const context = { tree: { store, prefix: path.slice(1) }, lenient };
    const [candidate] = await findRuns(HALLULENS, context.tree);
    const sink = memorySink(HALLULENS, context);
    let columns = 0;
    const rows: typeof sink.rows = (table, given) => {
      if ('columns' in given) columns += given.length;
      return sink.rows(table, given);
    };
    const summary = await HALLULENS.read(candidate!, { ...sink, rows }, context);
    const tables = [GENERATIONS, PREDICTIONS, METRICS].map(({ name }) => sink.table(name));
    return { columns, result: { summary, tables, issues: sink.issues } };
  } finally {
    remove();
  }
}

test('runs give the same rows and issues, whether lines are compared or parsed', async () => {
  let columns = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.boolean(), async (files, lenient) => {
      const compared = await read(files, false, lenient);
      const parsed = await read(files, true, lenient);
      expect(parsed.columns).toBe(0);
      expect(compared.result).toEqual(parsed.result);
      columns += compared.columns;
    }),
    { numRuns: 40 },
  );
  expect(columns).toBeGreaterThan(100);
});
