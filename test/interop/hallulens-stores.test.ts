import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { activationRows } from '../../ingest/activations.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import {
  DEFAULT_ACTIVATION_OPTIONS,
  type RunCandidate,
  type StoreEntryInfo,
  type StoreRef,
  type TokenRecord,
} from '../../ingest/family.ts';
import { findRuns, memorySink } from '../../ingest/testing.ts';
import { toFloat32 } from '../../lake/parquet/floats/floats.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/hallulens`;

const layerSchema = z.object({
  shape: z.array(z.number()),
  dtype: z.string(),
  n: z.number(),
  sum: z.number(),
  l2: z.number(),
  first4: z.array(z.number()),
});
const entrySchema = z.object({
  key: z.string(),
  prompt: z.string().optional(),
  response: z.string().optional(),
  input_length: z.number().optional(),
  trim_position: z.number().nullish(),
  no_activations: z.boolean().optional(),
  layers: z.array(layerSchema.nullable()).optional(),
  response_token_ids: z.array(z.number()).optional(),
  response_token_logprobs_sum: z.number().optional(),
  response_topk_shape: z.array(z.number()).optional(),
});
const storeSchema = z.object({
  format: z.string(),
  n_entries: z.number(),
  total_values: z.number(),
  total_l2: z.number(),
  keys_sorted_sha256: z.string(),
  entries: z.array(entrySchema),
});
const captureSchema = z.object({
  n_written: z.number(),
  prompt_len: z.array(z.number()),
  response_len: z.array(z.number()),
  n_hallucinated: z.number(),
  icr_scores: z.array(z.array(z.number())),
  row3_last_layer: z.object({ first4: z.array(z.number()), sum: z.number(), l2: z.number() }),
  prompt_activations_written: z.object({ sum: z.number(), l2: z.number(), first4: z.array(z.number()) }),
  response_activations_written: z.object({ sum: z.number(), l2: z.number(), first4: z.array(z.number()) }),
  response_attention_written: z.object({ sum: z.number(), l2: z.number() }),
});
const CAPTURE = 'icr_capture/zoo_hallulens-test__tiny-llama-4l';
const expectedSchema = z.object({
  good: z.object({ stores: z.record(z.string(), storeSchema) }),
  formats: z.record(z.string(), z.union([storeSchema, captureSchema])),
});

/** Everything a store holds, as the vectors reach the lake. */
interface ReadEntry {
  readonly info: StoreEntryInfo;
  /** Vectors by layer; a layer that was not recorded is absent. */
  readonly layers: Map<number, { values: number[]; tokens: number; dtype: string; segments: number[] }>;
  readonly tokens: readonly TokenRecord[];
}

const tree = { store: new LocalStore('/'), prefix: `${fixtures}/good`.replace(/^\//, '') };
const context = { tree, lenient: false };

async function readStore(ref: StoreRef) {
  const reader = await HALLULENS.stores!.open(ref, context);
  const entries = new Map<string, ReadEntry>();
  for await (const entry of reader.entries(DEFAULT_ACTIVATION_OPTIONS)) {
    const layers: ReadEntry['layers'] = new Map();
    for await (const batch of activationRows(entry, DEFAULT_ACTIVATION_OPTIONS)) {
      if (batch.site !== 'resid_post') continue;
      for (let row = 0; row < batch.rows; row++) {
        const vector = toFloat32(batch.vectors).subarray(row * batch.dim, (row + 1) * batch.dim);
        const known = layers.get(batch.layer[row]!) ?? {
          values: [],
          tokens: 0,
          dtype: batch.dtype,
          segments: [],
        };
        expect(batch.tokenIndex[row]).toBe(entry.firstToken + known.tokens);
        known.values.push(...vector);
        known.tokens++;
        known.segments.push(batch.segment[row]!);
        layers.set(batch.layer[row]!, known);
      }
    }
    entries.set(entry.key, { info: entry, layers, tokens: entry.tokenRecords });
  }
  return { reader, entries };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const norm = (values: readonly number[]) => Math.sqrt(sum(values.map((v) => v * v)));

describe.skipIf(sharedDir === undefined)('activation stores', async () => {
  if (sharedDir === undefined) return;
  const expected = expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')));
  const candidates: RunCandidate[] = [];
  for (const candidate of await findRuns(HALLULENS, tree)) candidates.push(candidate);
  const refs = new Map<string, StoreRef>();
  for (const candidate of candidates) {
    for (const ref of await HALLULENS.stores!.of(candidate, context)) {
      refs.set(ref.root.slice(tree.prefix.length + 1), ref);
    }
  }
  const stores: [string, z.infer<typeof storeSchema>][] = [...Object.entries(expected.good.stores)];
  for (const [path, store] of Object.entries(expected.formats)) {
    if ('n_entries' in store) stores.push([`formats/${path}`, store]);
  }

  test.each(stores)('%s', async (path, store) => {
    const { reader, entries } = await readStore(refs.get(path)!);
    expect(reader.issues).toEqual([]);
    expect(reader.damaged).toEqual([]);
    expect(reader.format).toBe(store.format);
    expect(entries.size).toBe(store.n_entries);
    const keys = [...entries.keys()].sort();
    expect(createHash('sha256').update(keys.join('\n')).digest('hex')).toBe(store.keys_sorted_sha256);
    const all = [...entries.values()].flatMap((entry) => [...entry.layers.values()].map((l) => l.values));
    expect(sum(all.map((values) => values.length))).toBe(store.total_values);
    expect(norm(all.map(norm)) / store.total_l2).toBeCloseTo(1, 6);

    const listed: string[] = [];
    for await (const key of reader.keys()) listed.push(key);
    expect(listed.sort()).toEqual(keys.filter((key) => entries.get(key)!.info.hasActivations));
    const infos: StoreEntryInfo[] = [];
    for await (const info of reader.infos()) infos.push(info);
    expect(infos.map((info) => info.key).sort()).toEqual(keys);
    for (const info of infos) {
      const { prompt, response, modelId, exampleId } = entries.get(info.key)!.info;
      expect(info).toMatchObject({ prompt, response, modelId, exampleId });
    }

    for (const want of store.entries) {
      const got = entries.get(want.key)!;
      if (want.no_activations === true) {
        expect(got.layers.size).toBe(0);
        expect(got.info.hasActivations).toBe(false);
        continue;
      }
      expect(got.info.prompt).toBe(want.prompt);
      expect(got.info.response).toBe(want.response);
      expect(got.info.modelId).toBe('hallulens-test/tiny-llama-4l');
      expect(JSON.parse(got.info.meta).input_length).toBe(want.input_length);
      for (const [layer, values] of (want.layers ?? []).entries()) {
        const read = got.layers.get(layer);
        if (values === null) {
          expect(read).toBeUndefined();
          continue;
        }
        expect(read!.tokens).toBe(values.shape.at(-2));
        expect(read!.values.length).toBe(values.n);
        expect(read!.dtype).toBe(values.dtype);
        expect(read!.values.slice(0, 4)).toEqual(values.first4);
        expect(sum(read!.values)).toBeCloseTo(values.sum, 3);
        expect(norm(read!.values) / values.l2).toBeCloseTo(1, 6);
      }
      const [tokens] = got.tokens;
      if (want.response_token_ids === undefined) expect(tokens).toBeUndefined();
      else {
        expect([...Array.from(tokens!.ids)]).toEqual(want.response_token_ids);
        expect(sum(Array.from(tokens!.logprobs!))).toBeCloseTo(want.response_token_logprobs_sum!, 5);
        const [n, k] = want.response_topk_shape!;
        expect([tokens!.topIds!.length / tokens!.topK!, tokens!.topK]).toEqual([n, k]);
      }
    }
  });

  test('segments follow the recorded sequence mode', async () => {
    const segmentsOf = async (path: string) => {
      const { entries } = await readStore(refs.get(path)!);
      const [first] = entries.values();
      const length = Number(JSON.parse(first!.info.meta).input_length);
      return { length, segments: [...first!.layers.values()][0]!.segments };
    };
    const prompt = await segmentsOf('formats/json_npy_prompt');
    expect(prompt.segments).toEqual(new Array(prompt.length).fill(1));
    const response = await segmentsOf(
      'activations/triviaqa/hallulens-test__tiny-llama-4l/seed_1/activations.lmdb',
    );
    expect(new Set(response.segments)).toEqual(new Set([2]));
    const both = await segmentsOf('formats/lmdb_float32_all/activations.lmdb');
    expect(both.segments.indexOf(2)).toBe(both.length);
    expect(new Set(both.segments)).toEqual(new Set([1, 2]));
  });

  test('a memmap capture: rows by sample index, texts from the commit log, labels and scores', async () => {
    const want = captureSchema.parse(expected.formats[CAPTURE]);
    const candidate = candidates.find((c) => c.kind === 'capture')!;
    const sink = memorySink(HALLULENS, context);
    const summary = await HALLULENS.read(candidate, sink, context);
    expect(summary.accepted).toBe(true);
    expect(summary.columns).toMatchObject({
      model_id: 'hallulens-test/tiny-llama-4l',
      benchmark: 'zoo',
      status: 'partial',
    });
    expect(sink.issues).toEqual([]);
    const generations = sink.table('generations');
    expect(generations.length).toBe(want.n_written);
    expect(generations.filter((row) => row['halu'] === true).length).toBe(want.n_hallucinated);
    expect(generations.map((row) => JSON.parse(String(row['extra'])).icr_scores)).toEqual(want.icr_scores);
    // 5 layers of residual stream, 4 blocks of attention.
    const rows = 5 * (sum(want.prompt_len) + sum(want.response_len)) + 4 * sum(want.response_len);
    expect(sink.stores[0]!.nActivations).toBe(rows);

    const attention: number[] = [];
    const reader = await HALLULENS.stores!.open(refs.get(`formats/${CAPTURE}`)!, context);
    for await (const entry of reader.entries(DEFAULT_ACTIVATION_OPTIONS)) {
      for await (const batch of activationRows(entry, DEFAULT_ACTIVATION_OPTIONS)) {
        if (batch.site !== 'attn_pattern') continue;
        expect([batch.dim, [...new Set(batch.layer)]]).toEqual([8, [1, 2, 3, 4]]);
        expect([...new Set(batch.segment)]).toEqual([2]);
        attention.push(...toFloat32(batch.vectors));
      }
    }
    expect(sum(attention)).toBeCloseTo(want.response_attention_written.sum, 6);
    expect(norm(attention)).toBeCloseTo(want.response_attention_written.l2, 6);

    const { entries } = await readStore(refs.get(`formats/${CAPTURE}`)!);
    const ordered = [...entries.values()];
    expect([...entries.keys()]).toEqual(generations.map((row) => row['activation_key']));
    const response = ordered.map((entry, i) =>
      [...entry.layers.values()].map((l) => l.values.slice(want.prompt_len[i]! * 32)),
    );
    const prompts = ordered.map((entry, i) =>
      [...entry.layers.values()].map((l) => l.values.slice(0, want.prompt_len[i]! * 32)),
    );
    // Padding is zero, so sums over what was written are sums over the padded arrays.
    for (const [parts, numbers] of [
      [response, want.response_activations_written],
      [prompts, want.prompt_activations_written],
    ] as const) {
      const values = parts.flat(2);
      expect(sum(values)).toBeCloseTo(numbers.sum, 2);
      expect(norm(values) / numbers.l2).toBeCloseTo(1, 6);
      expect(values.slice(0, 4)).toEqual(numbers.first4);
    }
    const lastLayer = response[3]!.at(-1)!;
    expect(lastLayer.slice(0, 4)).toEqual(want.row3_last_layer.first4);
    expect(norm(lastLayer) / want.row3_last_layer.l2).toBeCloseTo(1, 6);
    const segments = ordered[0]!.tokens.map((record) => [record.segment, record.ids.length]);
    expect(segments).toEqual([
      ['prompt', want.prompt_len[0]],
      ['response', want.response_len[0]],
    ]);
    expect(Array.from(ordered[0]!.tokens[1]!.logprobs!).every((value) => value <= 0)).toBe(true);
  });

  test('a store that no run refers to becomes a run of its own, with a generation for every entry', async () => {
    const standalone = candidates.filter((candidate) => candidate.kind.endsWith('-store'));
    expect(standalone.length).toBe(8);
    for (const candidate of standalone) {
      const sink = memorySink(HALLULENS, context);
      const summary = await HALLULENS.read(candidate, sink, context);
      const want = stores.find(([path]) => candidate.root.endsWith(path))![1];
      expect(summary.accepted).toBe(true);
      expect(summary.columns).toMatchObject({
        method: null,
        model_id: 'hallulens-test/tiny-llama-4l',
        status: 'completed',
      });
      const generations = sink.table('generations');
      expect(generations.length).toBe(want.n_entries);
      for (const entry of want.entries) {
        if (entry.prompt === undefined) continue;
        const row = generations.find((r) => r['activation_key'] === entry.key)!;
        expect(row).toMatchObject({ prompt: entry.prompt, response: entry.response });
      }
    }
  });
});
