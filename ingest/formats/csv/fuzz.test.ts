import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { FormatError } from '../errors.ts';
import { readCsv } from './csv.ts';

const table = new Uint8Array(
  Buffer.from(
    `\ufeffexample_id,score_halu,text\r\n${Array.from(
      { length: 40 },
      (_, i) => `${i},${i / 7},${i % 3 === 0 ? `"quoted ""größe"", line\r\n${i}"` : 'plain'}\r\n`,
    ).join('')}`,
  ),
);

it('damaged CSV is rows, row errors or a FormatError', async () => {
  const failure = await fuzz({
    seeds: [table, table, table, new Uint8Array(gzipSync(table))],
    count: 10_000,
    seed: 34,
    isExpected: (error) => error instanceof FormatError,
    async attempt(input) {
      const half = input.length >> 1;
      const { header, batches } = await readCsv([input.subarray(0, half), input.subarray(half)], {
        maxRecord: 10_000,
      });
      let last = 0;
      for await (const batch of batches) {
        for (const { line, fields, error } of batch) {
          if (line <= last) throw new Error('a line came twice');
          if (error === undefined && fields.length !== header.length)
            throw new Error('a ragged row without error');
          last = line;
        }
      }
    },
  });
  expect(failure).toBeUndefined();
});
