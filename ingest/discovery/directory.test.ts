import { expect, test } from 'vitest';
import type { ObjectInfo } from '../../lake/store/object-store.ts';
import { eachDirectory } from './directory.ts';

test('the listing of a store of a million files is passed over, not held', async () => {
  const modified = new Date(0);
  async function* listing(): AsyncGenerator<ObjectInfo> {
    for (let i = 0; i < 200_000; i++) {
      yield { key: `s/activations/${String(i).padStart(7, '0')}.npy`, size: 1, modified };
    }
    yield { key: 's/metadata.jsonl', size: 1, modified };
    yield { key: 'z/.zgroup', size: 1, modified };
    for (let i = 0; i < 200_000; i++)
      yield { key: `z/arrays/a/${String(i).padStart(7, '0')}`, size: 1, modified };
  }
  const seen = new Map<string, { files: number; counted: number }>();
  for await (const directory of eachDirectory('', listing(), new Set())) {
    const files = directory.files.size;
    seen.set(directory.key, { files, counted: directory.activationFiles });
  }
  expect(Object.fromEntries(seen)).toEqual({
    's/activations': { files: 0, counted: 0 },
    s: { files: 1, counted: 200_000 },
    z: { files: 0, counted: 200_000 },
    '': { files: 0, counted: 0 },
  });
});
