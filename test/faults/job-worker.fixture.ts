/**
 * Workers that do all jobs of a directory each: `[directory, model host, where it kills itself]`. The last is `stored` (the run's
 * files are written and not ingested), `ingested` (the job has not ended yet) or nothing.
 */
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { boundTasks } from '../../compute/jobs/job-service.ts';
import { runWorker } from '../../compute/jobs/worker.ts';
import { chaosEvaluationTask } from '../../compute/tasks/chaos/evaluation/evaluation.ts';
import { inferenceTask } from '../../compute/tasks/inference/inference.ts';
import { CHAOSBENCH } from '../../ingest/families/chaosbench/index.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { assignments } from '../support/victim.ts';

await assignments(async ([directory = '', modelHost = '', fault]) => {
  const dieAt = (moment: string): void => {
    if (moment === fault) process.kill(process.pid, 'SIGKILL');
  };
  const { lake, writer, close } = await lakeIn(directory);
  const queue = new EmbeddedQueue(join(directory, 'queue'), { leaseMs: 400 });
  const tasks = boundTasks([inferenceTask, chaosEvaluationTask], {
    lake,
    store: lake.store,
    scratch: directory,
    env: {},
    modelHost,
    checkpointMs: 0,
    async ingest(key, { signal }) {
      dieAt('stored');
      const families = [HALLULENS, CHAOSBENCH];
      const report = await ingest(writer, [`${lake.store.uri}/${key}`], { families, signal });
      dieAt('ingested');
      return report;
    },
  });
  const { signal } = new AbortController();
  await runWorker(queue, { id: String(process.pid), tasks, drain: true, signal, idleMs: 10, beatMs: 50 });
  await queue.close();
  await close();
});
