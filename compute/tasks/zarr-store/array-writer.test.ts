import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openArray } from '../../../ingest/formats/zarr/array.ts';
import { temporaryTree } from '../../../ingest/testing.ts';
import { LocalStore } from '../../../lake/store/local-store.ts';
import { ArrayWriter, writeTexts } from './array-writer.ts';

const { signal } = new AbortController();

const layouts = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((axes) => ({ shape: axes.map(([extent]) => extent), chunks: axes.map(([, chunk]) => chunk) }));

test('what is written is read, whatever the shape, the chunks and what was left out', async () => {
  const { path, remove } = temporaryTree({});
  const store = new LocalStore(path);
  let n = 0;
  await fc.assert(
    fc.asyncProperty(layouts, fc.func(fc.boolean()), async ({ shape, chunks }, isWritten) => {
      const root = `a${n++}`;
      const writer = await ArrayWriter.create(store, root, 'token', { shape, chunks }, signal);
      const [rows = 0, ...tail] = shape;
      const width = tail.at(-1) ?? 1;
      const outer = tail.slice(0, -1).reduce((product, extent) => product * extent, 1);
      const expected: number[] = [];
      for (let row = 0; row < rows; row++) {
        const runs = [];
        for (let i = 0; i < outer; i++) {
          const values = Int32Array.from({ length: width }, (_, k) => row * 1000 + i * 10 + k);
          const written = isWritten(row, i);
          expected.push(...(written ? values : values.fill(-1)));
          let rest = i;
          const at = tail
            .slice(0, -1)
            .toReversed()
            .map((extent) => {
              const here = rest % extent;
              rest = Math.floor(rest / extent);
              return here;
            })
            .toReversed();
          if (written)
            runs.push({ at: tail.length === 0 ? [] : [...at, 0], bytes: new Uint8Array(values.buffer) });
        }
        await writer.row(runs);
      }
      await writer.end();
      const array = await openArray(store, root, {});
      const region = await array.readRegion(
        shape.map((end) => ({ start: 0, end })),
        {},
      );
      expect([...region.toFloat64()]).toEqual(expected);
    }),
    { numRuns: 60 },
  );
  remove();
});

test('texts', async () => {
  const { path, remove } = temporaryTree({});
  const store = new LocalStore(path);
  await writeTexts(store, 'texts', ['', 'é', 'a'.repeat(300)], signal);
  const array = await openArray(store, 'texts', {});
  expect(await array.readStrings([])).toEqual(['', 'é', 'a'.repeat(300)]);
  remove();
});
