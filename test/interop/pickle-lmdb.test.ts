import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fileSource } from '../../ingest/formats/bytes/file-source.ts';
import { openLmdb } from '../../ingest/formats/lmdb/environment.ts';
import { type PlainValue, toPlain } from '../../ingest/formats/pickle/plain.ts';
import { splitTensors } from '../../ingest/formats/tensor/concatenated.ts';
import { Tensor } from '../../ingest/formats/tensor/tensor.ts';
import { unpickleWithTensors } from '../../ingest/formats/torch/read-torch.ts';
import { decompressZstd } from '../../ingest/formats/zstd/decompress.ts';
import { sharedDir } from '../support/shared.ts';
import { expectLayers, storesOf, Totals } from './tensor-expectation.ts';

const tensorMetadata = z.object({ shape: z.array(z.int()), dtype: z.string() });
const stored = z.object({
  data: z.looseObject({
    prompt: z.string(),
    response: z.string(),
    input_length: z.int(),
    all_layers_activations: z.union([z.array(z.instanceof(Tensor).nullable()), z.instanceof(Uint8Array)]),
  }),
  metadata: z.looseObject({
    compression: z.enum(['none', 'zstd']),
    tensor_metadata: z.array(tensorMetadata).optional(),
    original_size: z.int().optional(),
  }),
});

function layersOf(value: z.infer<typeof stored>): (Tensor | null)[] {
  const layers = value.data.all_layers_activations;
  if (!(layers instanceof Uint8Array)) return layers;
  return splitTensors(decompressZstd(layers, value.metadata.original_size!), value.metadata.tensor_metadata!);
}

const stores = storesOf('lmdb');

describe.skipIf(sharedDir === undefined)('pickled entries of LMDB stores', () => {
  it('has stores of every kind', () => {
    expect(stores.map((s) => s.name.split('/').at(-2))).toEqual([
      'seed_1',
      'lmdb_zstd',
      'lmdb_second_half',
      'lmdb_second_half_zstd_fallback',
      'lmdb_float32_all',
    ]);
  });

  it.each(stores)('$name', async ({ path, count, entries, totals }) => {
    const file = `${path}/data.mdb`;
    const source = fileSource(file, (await stat(file)).size);
    try {
      const values = new Map<string, PlainValue>();
      for await (const { key, value } of (await openLmdb(source)).main.entries()) {
        if (!(value instanceof Uint8Array)) throw new Error('a value that is not in memory');
        values.set(Buffer.from(key).toString(), toPlain(unpickleWithTensors(new Uint8Array(value))));
      }
      expect(values.size).toBe(count);
      const sum = new Totals();
      for (const value of values.values()) sum.add(layersOf(stored.parse(value)));
      sum.expectEqual(totals);
      for (const entry of entries) {
        const value = stored.parse(values.get(entry.key));
        expect(value.data.prompt).toBe(entry.prompt);
        expect(value.data.response).toBe(entry.response);
        expectLayers(layersOf(value), entry);
      }
    } finally {
      await source.close();
    }
  });
});
