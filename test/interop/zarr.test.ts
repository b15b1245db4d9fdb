import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Tensor } from '../../ingest/formats/tensor/tensor.ts';
import { openArray } from '../../ingest/formats/zarr/array.ts';
import { readGroup } from '../../ingest/formats/zarr/metadata.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';
import { expectLayers, storesOf } from './tensor-expectation.ts';

const indexLine = z.looseObject({
  key: z.string(),
  sample_index: z.int().nullable(),
  prompt_len: z.int().optional(),
  response_len: z.int().optional(),
  logging_config: z.looseObject({ sequence_mode: z.enum(['all', 'prompt', 'response']) }).optional(),
});

/** Tokens of both arrays, one after the other, as the logger returned them. */
function joined(parts: readonly Tensor[]): Tensor {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  return new Tensor({
    dtype: first.dtype,
    shape: [parts.reduce((sum, part) => sum + part.shape[0]!, 0), first.shape[1]!],
    data: new Uint8Array(Buffer.concat(parts.map((part) => part.toBytes()))),
  });
}

const stores = storesOf('zarr');

describe.skipIf(sharedDir === undefined)('Zarr activation stores', () => {
  it('has three stores', () => expect(stores).toHaveLength(3));

  it.each(stores)('$name', async ({ path, entries }) => {
    const store = new LocalStore(path);
    expect((await readGroup(store, ''))?.attributes).toMatchObject({ schema_version: 'zarr-v1' });
    const open = (name: string) => openArray(store, `arrays/${name}`);
    const prompt = await open('prompt_activations');
    const response = await open('response_activations');
    const keys = await (await open('sample_key')).readStrings([]);
    const promptLen = (await (await open('prompt_len')).readRegion([])).toNumbers();
    const responseLen = (await (await open('response_len')).readRegion([])).toNumbers();
    const index = new Map(
      readFileSync(`${path}/meta/index.jsonl`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => indexLine.parse(JSON.parse(line)))
        .map((line) => [line.key, line]),
    );
    const ids = await open('response_token_ids');
    const logprobs = await open('response_token_logprobs');
    let compared = 0;
    for (const entry of entries) {
      const line = index.get(entry.key);
      const row = line?.sample_index ?? null;
      if (row === null) {
        expect(entry.layers).toBeUndefined();
        continue;
      }
      expect([keys[row], promptLen[row], responseLen[row]]).toEqual([
        entry.key,
        line?.prompt_len,
        line?.response_len,
      ]);
      const mode = line?.logging_config?.sequence_mode ?? 'all';
      const one = { start: row, end: row + 1 };
      const layers: Tensor[] = [];
      for (let layer = 0; layer < prompt.shape[1]!; layer++) {
        const at = { start: layer, end: layer + 1 };
        const parts = [
          ...(mode === 'response' ? [] : [{ array: prompt, length: promptLen[row]! }]),
          ...(mode === 'prompt' ? [] : [{ array: response, length: responseLen[row]! }]),
        ];
        const read = parts.map(async ({ array, length }) =>
          (await array.readRegion([one, at, { start: 0, end: length }])).select(0, 0).select(0, 0),
        );
        layers.push(joined(await Promise.all(read)));
      }
      expectLayers(layers, entry);
      compared++;
      if (entry.response_token_ids !== undefined) {
        const count = entry.response_token_ids.length;
        const range = [one, { start: 0, end: count }];
        expect((await ids.readRegion(range)).toNumbers()).toEqual(entry.response_token_ids);
        const sum = (await logprobs.readRegion(range)).toNumbers().reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(entry.response_token_logprobs_sum!, 5);
      }
    }
    expect(compared).toBeGreaterThan(2);
    // Rows in blocks hold the same values as rows one by one.
    let next = 0;
    for await (const { start, rows } of response.rowBlocks({ maxBytes: 100_000 })) {
      expect(start).toBe(next);
      next += rows.shape[0]!;
    }
    expect(next).toBe(response.shape[0]);
  });
});
