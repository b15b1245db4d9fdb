import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { compileCli } from '../support/cli.ts';
import { openAiServer } from '../support/openai-server.ts';
import { slurmMissing, startSlurm } from '../support/slurm.ts';

const recipe = fileURLToPath(new URL('../../examples/slurm/worker.sbatch', import.meta.url));

test.skipIf(slurmMissing !== undefined)(
  'a batch job of SLURM does what is queued; asked to end, it gives its job back to the next one',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runlake-sbatch-'));
    // The last prompt gets no answer as long as the first batch job runs.
    let answers = false;
    const model = await openAiServer({
      misbehave: ({ prompt }) => (prompt === 'last' && !answers ? 'hang' : undefined),
    });
    const [cli, slurm] = await Promise.all([compileCli(), startSlurm()]);
    const queue = new EmbeddedQueue(join(directory, 'home/queue'));
    try {
      const jobs = new JobService(queue, new LocalStore(join(directory, 'store')), [inferenceTask]);
      const { id } = await jobs.submit('inference', {
        model: { backend: 'openai', baseUrl: model.baseUrl, name: 'tiny', concurrency: 1 },
        prompts: ['first', 'last'],
        evaluator: 'none',
      });
      const log = join(directory, 'worker.log');
      const submitted = (): Promise<string> =>
        slurm.command('sbatch', ['--parsable', '--output', log, recipe, '--threads', '1'], {
          RUNLAKE: `${process.execPath} ${cli.path}`,
          RUNLAKE_STORE: `file:${directory}/store`,
          RUNLAKE_HOME: `${directory}/home`,
        });

      const interrupted = await submitted();
      while (!model.seen.some(({ prompt }) => prompt === 'last')) await sleep(20);
      // What `--signal=B:TERM@30` sends when the time is nearly over.
      await slurm.command('scancel', ['--batch', '--signal=TERM', interrupted]);
      expect(await slurm.ended(interrupted)).toBe('COMPLETED');
      expect(await queue.get(id)).toMatchObject({ state: 'pending', attempt: 1, failure: null });

      answers = true;
      expect(await slurm.ended(await submitted())).toBe('COMPLETED');
      expect(readFileSync(log, 'utf8')).toContain('1 jobs done; the queue is empty');
      expect(await queue.get(id)).toMatchObject({ state: 'completed', attempt: 2, result: { examples: 2 } });
      expect(model.seen.filter(({ prompt }) => prompt === 'first')).toHaveLength(1);
    } finally {
      await queue.close();
      await slurm.stop();
      await cli.remove();
      await model.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
