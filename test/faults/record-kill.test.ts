import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { survivesKills } from '../support/kills.ts';
import { lakeIn } from '../support/temporary-lake.ts';

const KILLS = 8;
const JOBS = 6;

it(`jobs are in the lake once, with every event, though ${KILLS} processes that record them are killed`, async () => {
  const rows = await survivesKills({
    script: new URL('./record-victim.fixture.ts', import.meta.url),
    kills: KILLS,
    async prepare(directory) {
      const queue = new EmbeddedQueue(join(directory, 'queue'));
      for (let i = 0; i < JOBS; i++) {
        await queue.submit({ id: `job-${i}`, kind: 'fv', spec: null });
        const job = (await queue.claim('w', ['fv']))!;
        const log = Array.from({ length: i }, (_, n) => ({ at: 0, level: 'info' as const, message: `${n}` }));
        await queue.beat(job, { log });
        await queue.complete(job, null);
      }
      await queue.close();
      return [directory];
    },
    async result(directory) {
      const { lake, close } = await lakeIn(directory);
      const { rows } = await lake.sandboxedQuery(
        await lake.snapshot(),
        `SELECT job_id, state, n_events, (SELECT list(seq ORDER BY seq) FROM job_events e WHERE e.job_id = j.job_id)
         FROM jobs j ORDER BY job_id`,
      );
      await close();
      return rows;
    },
  });
  const range = (n: number) => Array.from({ length: n }, (_, i) => BigInt(i + 1));
  const expected = range(JOBS).map((_, i) => [`job-${i}`, 'completed', BigInt(3 + i), range(3 + i)]);
  expect(rows).toEqual(expected);
});
