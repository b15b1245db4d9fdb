import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { fvTask } from '../../compute/tasks/fv/fv.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { survivesKills } from '../support/kills.ts';

const KILLS = 50;
const relation = ['antonym', 'country_capital'].flatMap((name) =>
  readFileSync(`models/demo/data/relations/${name}.csv`, 'utf8').trim().split('\n').slice(1, 9),
);
const csv = ['q_id,relation,input,output', ...relation].join('\n');

/** The bytes of all artifacts by name, but for the times and the names of the jobs. */
function artifacts(store: string, jobIds: readonly string[]): Record<string, string> {
  const files: Record<string, string> = {};
  const hide = (text: string) => jobIds.reduce((hidden, id, i) => hidden.replaceAll(id, `JOB ${i}`), text);
  for (const id of jobIds) {
    for (const entry of readdirSync(join(store, 'jobs', id), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.parentPath.endsWith(id)) continue;
      const path = join(entry.parentPath, entry.name);
      files[hide(path.slice(store.length))] = hide(readFileSync(path, 'latin1'))
        .replace(/"(created_at|updated_at|generated_at|timestamp)": "[^"]*"/g, '"$1": TIME')
        // Those of the files that have a time.
        .replace(/"fingerprint": "\w+"/, '')
        .replace(/"(bytes|sha256)": \S+/g, '');
    }
  }
  return files;
}

async function withQueue<T>(directory: string, work: (queue: EmbeddedQueue) => Promise<T>): Promise<T> {
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 150 });
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

it(`function vectors whose workers are killed ${KILLS} times are those of undisturbed ones`, async () => {
  const spec = {
    model: { path: 'models/demo/checkpoint', memoryBytes: 1e7 },
    relation: 'demo.csv',
    csv,
    columns: { query: 'relation' },
    trials: 3,
    demos: 3,
    layers: [2, 3],
    topk: 5,
    corruption: 'mixed',
    additions: { randomVectors: 1, heldOut: 2 },
    shards: 2,
  };
  const files = await survivesKills({
    script: new URL('./fv-worker.fixture.ts', import.meta.url),
    kills: KILLS,
    together: 2,
    prepare: (directory) =>
      withQueue(directory, async (queue) => {
        const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), [fvTask]);
        await jobs.submit('fv', spec, { maxAttempts: 1000 });
        return [directory];
      }),
    result: (directory) =>
      withQueue(directory, async (queue) => {
        const jobs = await queue.list({ limit: 10 });
        expect(jobs.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
        // In the order of their submission.
        const ids = jobs.map(({ id }) => id).reverse();
        return artifacts(join(directory, 'store'), ids);
      }),
  });
  const names = Object.keys(files).map((name) => name.slice(name.lastIndexOf('/') + 1));
  expect(names.filter((name) => name === 'qid_status.json')).toHaveLength(2);
});
