import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv } from '../../../ingest/formats/csv/csv.ts';
import { csvTable } from './csv.ts';

test('whatever a cell holds is read back', async () => {
  const cell = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), async (rows) => {
      const { header, batches } = await readCsv([Buffer.from(csvTable(['a', 'b'], rows))]);
      const read: (readonly string[])[] = [];
      for await (const batch of batches) read.push(...batch.map(({ fields }) => fields));
      expect(header).toEqual(['a', 'b']);
      expect(read).toEqual(rows);
    }),
  );
});
