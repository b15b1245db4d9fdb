import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Tensor } from '../../ingest/formats/tensor/tensor.ts';
import { sharedDir } from '../support/shared.ts';

const summary = z.object({ n: z.int(), sum: z.number(), l2: z.number(), first4: z.array(z.number()) });
export type Summary = z.infer<typeof summary>;
const layer = summary.extend({ shape: z.array(z.int()), dtype: z.string() });

const entry = z.looseObject({
  key: z.string(),
  prompt: z.string().optional(),
  response: z.string().optional(),
  layers: z.array(layer.nullable()).optional(),
  response_token_ids: z.array(z.int()).optional(),
  response_token_logprobs_sum: z.number().optional(),
});
export type Entry = z.infer<typeof entry>;

const store = z.looseObject({
  format: z.string(),
  n_entries: z.int(),
  total_values: z.int(),
  total_l2: z.number(),
  /** Of large stores only the first ones. */
  entries: z.array(entry),
});

export interface RecordedStore {
  readonly name: string;
  readonly path: string;
  /** How many entries the store has; `entries` may be fewer. */
  readonly count: number;
  readonly entries: readonly Entry[];
  readonly totals: { readonly values: number; readonly l2: number };
}

const captured = z.object({
  shapes: z.record(z.string(), z.array(z.int())),
  response_activations_written: summary,
  row3_last_layer: summary,
  response_len: z.array(z.int()),
  prompt_len: z.array(z.int()),
  icr_scores: z.array(z.array(z.number())),
  nan_logprobs_total: z.int(),
});

const root = `${sharedDir}fixtures/hallulens/`;
const everything =
  sharedDir === undefined ? undefined : JSON.parse(readFileSync(`${root}expected.json`, 'utf8'));

/** Folder, name and recorded content of every store of a format. */
export function storesOf(format: string): RecordedStore[] {
  if (everything === undefined) return [];
  const all: [string, string, unknown][] = [
    ...Object.entries(everything.good.stores).map(
      ([name, s]) => [name, `${root}good/${name}`, s] as [string, string, unknown],
    ),
    ...Object.entries(everything.formats).map(
      ([name, s]) => [name, `${root}good/formats/${name}`, s] as [string, string, unknown],
    ),
  ];
  return all.flatMap(([name, path, value]) => {
    const parsed = store.safeParse(value);
    if (!parsed.success || parsed.data.format !== format) return [];
    const { entries, n_entries: count, total_values: values, total_l2: l2 } = parsed.data;
    return [{ name, path, count, entries, totals: { values, l2 } }];
  });
}

/** The memmap capture and what was recorded of it. */
export function captureStore() {
  const name = 'icr_capture/zoo_hallulens-test__tiny-llama-4l';
  return { path: `${root}good/formats/${name}/`, expected: captured.parse(everything.formats[name]) };
}

export function expectSummary(values: Float32Array, expected: Summary): void {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  expect(values).toHaveLength(expected.n);
  expect([...values.subarray(0, 4)]).toEqual(expected.first4);
  expect(Math.abs(sum - expected.sum)).toBeLessThanOrEqual(1e-6 * expected.l2 + 1e-9);
  expect(Math.abs(Math.sqrt(squares) - expected.l2)).toBeLessThanOrEqual(1e-6 * expected.l2);
}

/** Compares each layer's shape, type, sum, norm and first values; null where the store has no such layer. */
export function expectLayers(layers: readonly (Tensor | null)[], expected: Entry): void {
  expect(layers.map((tensor) => tensor?.shape ?? null)).toEqual(
    expected.layers?.map((l) => l?.shape ?? null),
  );
  layers.forEach((tensor, i) => {
    const recorded = expected.layers?.[i];
    if (tensor === null || recorded === null || recorded === undefined) return;
    expect(tensor.dtype).toBe(recorded.dtype);
    expectSummary(tensor.toFloat32(), recorded);
  });
}

/** Adds up all values of a store. */
export class Totals {
  private values = 0;
  private squares = 0;

  add(layers: readonly (Tensor | null)[]): void {
    for (const layer of layers) {
      const values = layer?.toFloat32() ?? new Float32Array(0);
      this.values += values.length;
      for (const value of values) this.squares += value * value;
    }
  }

  expectEqual(expected: { readonly values: number; readonly l2: number }): void {
    expect(this.values).toBe(expected.values);
    expect(Math.abs(Math.sqrt(this.squares) - expected.l2)).toBeLessThanOrEqual(1e-6 * expected.l2);
  }
}
