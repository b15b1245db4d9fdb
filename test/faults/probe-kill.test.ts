import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { probeTask } from '../../compute/tasks/probe/probe.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { survivesKills } from '../support/kills.ts';
import { smallRuns } from '../support/small-runs.ts';
import { lakeIn } from '../support/temporary-lake.ts';

const KILLS = 8;

/** Some hundred steps each: between two checkpoints of a training there is something to be killed. */
const training = { epochs: 60, minSteps: 0, patience: 60 };
const SPEC = {
  runs: { method: 'probe_v1' },
  segment: 'response',
  layers: [0, 1],
  seeds: [0],
  innerFolds: 2,
  resamples: 50,
  shuffles: 1,
  threads: 1,
  date: '2026-03-04',
  saplma: training,
  contrastive: { ...training, neighbours: [1, 3] },
};

/** The files of the runs, by their path in them, but for times and names of jobs. */
function runFiles(directory: string): Record<string, string> {
  const jobs = join(directory, 'store/jobs');
  const files: Record<string, string> = {};
  for (const entry of readdirSync(jobs, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const [, job, name] = /\/jobs\/([^/]+)\/(?:runs|fits)\/(.+)$/.exec(path) ?? [];
    if (!entry.isFile() || job === undefined || name === undefined) continue;
    files[name] = readFileSync(path, 'latin1')
      .replaceAll(job, 'JOB')
      // The state of the checkout too may change meanwhile.
      .replace(/"(time|created_at|commit)": ?"[^"]*"/g, '"$1": ANY')
      .replace(/"dirty": ?\w+/, '');
  }
  return files;
}

test(`probe jobs whose workers are killed ${KILLS} times give the probes of undisturbed ones`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'runlake-probes-'));
  const tree = temporaryTree(smallRuns(8));
  try {
    const { writer, close } = await lakeIn(root);
    await ingest(writer, [tree.path], { families: [HALLULENS] });
    await close();
    const files = await survivesKills({
      script: new URL('./probe-worker.fixture.ts', import.meta.url),
      kills: KILLS,
      together: 2,
      async prepare(directory) {
        cpSync(root, directory, { recursive: true });
        const queue = new EmbeddedQueue(join(directory, 'queue'));
        const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), [probeTask]);
        for (const method of ['saplma', 'contrastive_v1'])
          await jobs.submit('probe', { ...SPEC, method }, { maxAttempts: 1000 });
        await queue.close();
        return [directory];
      },
      async result(directory) {
        const queue = new EmbeddedQueue(join(directory, 'queue'));
        const ends = (await queue.list({ limit: 10 })).map(({ state, failure }) => ({ state, failure }));
        await queue.close();
        expect(ends).toEqual(Array(2).fill({ state: 'completed', failure: null }));
        return runFiles(directory);
      },
    });
    const names = Object.keys(files).map((name) => name.slice(name.lastIndexOf('/') + 1));
    expect(names.filter((name) => name === 'probe.onnx')).toHaveLength(2);
    // Nothing of the trainings is left.
    expect(names.filter((name) => name.endsWith('.checkpoint'))).toEqual([]);
  } finally {
    tree.remove();
    rmSync(root, { recursive: true, force: true });
  }
});
