import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../ingest/formats/bytes/byte-source.ts';
import { fileSource } from '../../ingest/formats/bytes/file-source.ts';
import { rawArray } from '../../ingest/formats/npy/array.ts';
import { openNpy, readNpy } from '../../ingest/formats/npy/npy.ts';
import { sharedDir } from '../support/shared.ts';
import { captureStore, expectLayers, expectSummary, storesOf, Totals } from './tensor-expectation.ts';

const stores = storesOf('json_npy');

describe.skipIf(sharedDir === undefined)('npy files of activation stores', () => {
  it('has three stores', () => expect(stores).toHaveLength(3));

  it.each(stores)('$name', async ({ path, count, entries, totals }) => {
    const files = readdirSync(`${path}/activations`).filter((name) => name.endsWith('.npy'));
    expect(files).toHaveLength(count);
    const sum = new Totals();
    for (const name of files) {
      sum.add([await readNpy(new Uint8Array(readFileSync(`${path}/activations/${name}`)))]);
    }
    sum.expectEqual(totals);
    for (const entry of entries) {
      const file = `${path}/activations/${entry.key}.npy`;
      const source = fileSource(file, statSync(file).size);
      const array = await openNpy(source);
      // One array of all layers; a layer is read without the others.
      const layers = await Promise.all(Array.from({ length: array.shape[0]! }, (_, i) => array.readAt([i])));
      expectLayers(layers, entry);
      expectLayers([...(await array.readAll()).rows()], entry);
      await source.close();
    }
  });
});

describe.skipIf(sharedDir === undefined)('memmap capture', () => {
  const { path, expected } = sharedDir === undefined ? { path: '', expected: undefined! } : captureStore();
  const open = (name: string) => memorySource(new Uint8Array(readFileSync(path + name)), name);

  it('reads headerless dumps by row', async () => {
    const array = rawArray(
      open('response_activations.npy'),
      'float16',
      expected.shapes['response_activations']!,
    );
    expectSummary((await array.readRows(0, 7)).toFloat32(), expected.response_activations_written);
    expectSummary((await array.readAt([3, 4])).toFloat32(), expected.row3_last_layer);
    const lengths = rawArray(open('response_len.npy'), 'int32', [10]);
    expect((await lengths.readAll()).toNumbers()).toEqual(expected.response_len);
    const topk = rawArray(open('response_token_logprobs.npy'), 'float32', [10, 8]);
    const missing = (await topk.readAll()).toNumbers().filter(Number.isNaN);
    expect(missing).toHaveLength(expected.nan_logprobs_total);
  });

  it('tells a dump from an npy file', async () => {
    await expect(openNpy(open('response_activations.npy'))).rejects.toMatchObject({ subcode: 'NPY_CORRUPT' });
    const scores = await readNpy(open('icr_scores.npy'));
    expect(Array.from(scores.rows(), (row) => row.toNumbers())).toEqual(expected.icr_scores);
  });
});
